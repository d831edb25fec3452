CREATE TRIGGER change_refuse_update BEFORE UPDATE ON accounts_accountchange
BEGIN
    SELECT RAISE(ABORT, 'change_refuse_update: accounts_accountchange is append-only');
END
