CREATE TRIGGER change_refuse_replace BEFORE INSERT ON accounts_accountchange
WHEN EXISTS (SELECT 1 FROM accounts_accountchange WHERE id = NEW.id)
BEGIN
    -- REPLACE deletes the old row. Triggers for DELETE run only if recursive_triggers is on.
    SELECT RAISE(ABORT, 'change_refuse_replace: there is an account change with this id');
END
