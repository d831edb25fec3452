CREATE TRIGGER account_refuse_replace BEFORE INSERT ON accounts_account
WHEN EXISTS (SELECT 1 FROM accounts_account WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM accounts_account WHERE id = NEW.id)
BEGIN
    -- migrate inserts the EXTERNAL accounts that may exist, with OR IGNORE.
    SELECT RAISE(IGNORE) WHERE NEW.kind = 'EXTERNAL';
    -- Unless the session sets recursive_triggers, REPLACE deletes rows without a DELETE trigger.
    SELECT RAISE(ABORT, 'account_refuse_replace: there is an account with this id');
END
