CREATE TRIGGER account_refuse_replace BEFORE INSERT ON accounts_account
WHEN EXISTS (SELECT 1 FROM accounts_account WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM accounts_account WHERE id = NEW.id)
BEGIN
    -- migrate inserts EXTERNAL accounts with OR IGNORE. One that exists stays as it is.
    SELECT RAISE(IGNORE) WHERE NEW.kind = 'EXTERNAL';
    -- REPLACE deletes the old row. Triggers for DELETE run only if recursive_triggers is on.
    SELECT RAISE(ABORT, 'account_refuse_replace: there is an account with this id');
END
