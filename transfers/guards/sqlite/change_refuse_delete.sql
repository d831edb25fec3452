CREATE TRIGGER change_refuse_delete BEFORE DELETE ON accounts_accountchange
BEGIN
    SELECT RAISE(ABORT, 'change_refuse_delete: accounts_accountchange is append-only');
END
