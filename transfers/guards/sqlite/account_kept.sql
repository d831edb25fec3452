CREATE TRIGGER account_kept BEFORE DELETE ON accounts_account
BEGIN
    SELECT RAISE(ABORT, 'account_kept: an account is closed, never deleted');
END
