CREATE TRIGGER account_integers_on_update
BEFORE UPDATE OF balance, held, overdraft_limit, version, hold_version ON accounts_account
WHEN typeof(NEW.balance) <> 'integer' OR typeof(NEW.held) <> 'integer'
    OR typeof(NEW.overdraft_limit) <> 'integer' OR typeof(NEW.version) <> 'integer'
    OR typeof(NEW.hold_version) <> 'integer'
BEGIN
    SELECT RAISE(ABORT, 'account_integers_on_update: amounts and versions must be integers');
END
