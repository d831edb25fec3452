CREATE TRIGGER account_recorded BEFORE UPDATE OF status, overdraft_limit ON accounts_account
WHEN (OLD.status <> NEW.status AND NEW.status IS NOT (
        SELECT after FROM accounts_accountchange
        WHERE account_id = NEW.id AND action IN ('FREEZE', 'UNFREEZE', 'CLOSE')
        ORDER BY id DESC LIMIT 1))
    OR (OLD.overdraft_limit <> NEW.overdraft_limit AND CAST(NEW.overdraft_limit AS text) IS NOT (
        SELECT after FROM accounts_accountchange
        WHERE account_id = NEW.id AND action = 'SET_OVERDRAFT_LIMIT'
        ORDER BY id DESC LIMIT 1))
BEGIN
    SELECT RAISE(ABORT, 'account_recorded: a change of status or overdraft limit must be recorded');
END
