CREATE TRIGGER account_kept BEFORE DELETE ON accounts_account
BEGIN
    SELECT RAISE(ABORT, 'account_kept: accounts cannot be deleted: close the account instead');
END
