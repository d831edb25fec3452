CREATE TRIGGER account_opened BEFORE INSERT ON accounts_account
WHEN NEW.status <> 'OPEN' OR NEW.overdraft_limit <> 0
BEGIN
    SELECT RAISE(ABORT, 'account_opened: an account is opened OPEN and without an overdraft');
END
