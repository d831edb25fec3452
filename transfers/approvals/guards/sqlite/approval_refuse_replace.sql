CREATE TRIGGER approval_refuse_replace BEFORE INSERT ON approvals_approval
WHEN EXISTS (SELECT 1 FROM approvals_approval WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM approvals_approval WHERE id = NEW.id)
BEGIN
    -- REPLACE deletes the old row. Triggers for DELETE run only if recursive_triggers is on.
    SELECT RAISE(ABORT, 'approval_refuse_replace: there is an approval with this id');
END
