CREATE TRIGGER approval_refuse_replace BEFORE INSERT ON approvals_approval
WHEN EXISTS (SELECT 1 FROM approvals_approval WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM approvals_approval WHERE id = NEW.id)
BEGIN
    -- Unless the session sets recursive_triggers, REPLACE deletes rows without a DELETE trigger.
    SELECT RAISE(ABORT, 'approval_refuse_replace: there is an approval with this id');
END
