CREATE TRIGGER approval_pending BEFORE INSERT ON approvals_approval
WHEN NEW.status <> 'PENDING'
BEGIN
    SELECT RAISE(ABORT, 'approval_pending: a new approval must be PENDING');
END
