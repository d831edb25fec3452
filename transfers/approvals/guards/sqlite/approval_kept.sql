CREATE TRIGGER approval_kept BEFORE DELETE ON approvals_approval
BEGIN
    SELECT RAISE(ABORT, 'approval_kept: approvals cannot be deleted: decline the request instead');
END
