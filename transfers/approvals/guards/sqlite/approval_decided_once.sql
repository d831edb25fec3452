CREATE TRIGGER approval_decided_once BEFORE UPDATE ON approvals_approval
WHEN OLD.status <> 'PENDING'
    OR OLD.id IS NOT NEW.id OR OLD.kind IS NOT NEW.kind OR OLD.account_id IS NOT NEW.account_id
    OR OLD.source_id IS NOT NEW.source_id OR OLD.dest_id IS NOT NEW.dest_id
    OR OLD.reverses_id IS NOT NEW.reverses_id OR OLD.amount IS NOT NEW.amount
    OR OLD.currency IS NOT NEW.currency OR OLD.memo IS NOT NEW.memo
    OR OLD.metadata IS NOT NEW.metadata OR OLD.expires_in IS NOT NEW.expires_in
    OR OLD.requested_by_id IS NOT NEW.requested_by_id
    OR OLD.requested_at IS NOT NEW.requested_at
BEGIN
    SELECT RAISE(ABORT, 'approval_decided_once: a decision and what was asked for cannot change');
END
