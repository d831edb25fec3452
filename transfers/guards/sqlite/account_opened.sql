CREATE TRIGGER account_opened BEFORE INSERT ON accounts_account
WHEN NEW.status <> 'OPEN' OR NEW.overdraft_limit <> 0
BEGIN
    SELECT RAISE(ABORT, 'account_opened: a new account must be OPEN with an overdraft limit of 0');
END
