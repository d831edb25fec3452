CREATE TRIGGER approval_refuse_replace_by_update BEFORE UPDATE ON approvals_approval
WHEN OLD.rowid <> NEW.rowid OR EXISTS (SELECT 1 FROM approvals_approval
    WHERE transfer_id = NEW.transfer_id AND rowid <> OLD.rowid)
BEGIN
    -- UPDATE OR REPLACE would delete the approval that has this rowid or transfer.
    SELECT RAISE(ABORT, 'approval_refuse_replace_by_update: it would replace another approval');
END
