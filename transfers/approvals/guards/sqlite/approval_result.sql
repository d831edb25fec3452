CREATE TRIGGER approval_result BEFORE UPDATE ON approvals_approval
WHEN (NEW.transfer_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM transfers_transfer t
        WHERE t.id = NEW.transfer_id AND t.kind = NEW.kind
            AND t.source_id = NEW.source_id AND t.dest_id = NEW.dest_id
            AND t.amount = NEW.amount AND t.currency = NEW.currency AND t.memo IS NEW.memo
            AND t.reverses_id IS NEW.reverses_id AND t.created_by_id = NEW.requested_by_id))
    OR (NEW.change_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM accounts_accountchange c
        WHERE c.id = NEW.change_id AND c.account_id = NEW.account_id
            AND c.action = 'SET_OVERDRAFT_LIMIT' AND c.after = CAST(NEW.amount AS text)))
BEGIN
    SELECT RAISE(ABORT, 'approval_result: it names a transfer or change that was not asked for');
END
