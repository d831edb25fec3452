CREATE TRIGGER change_refuse_replace BEFORE INSERT ON accounts_accountchange
WHEN EXISTS (SELECT 1 FROM accounts_accountchange WHERE id = NEW.id)
BEGIN
    -- Unless the session sets recursive_triggers, REPLACE deletes rows without a DELETE trigger.
    SELECT RAISE(ABORT, 'change_refuse_replace: there is an account change with this id');
END
