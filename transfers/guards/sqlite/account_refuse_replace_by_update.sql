CREATE TRIGGER account_refuse_replace_by_update BEFORE UPDATE ON accounts_account
WHEN OLD.rowid <> NEW.rowid
BEGIN
    -- UPDATE OR REPLACE would delete the account that has this rowid.
    SELECT RAISE(ABORT, 'account_refuse_replace_by_update: the rowid of an account cannot change');
END
