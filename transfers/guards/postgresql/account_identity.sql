-- The id, kind and currency of an account never change, because its history depends on them. A
-- closed account is never reopened.
CREATE OR REPLACE FUNCTION {schema}.account_identity() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'account % cannot change its id, kind or currency, or be reopened', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'account_identity';
END
$$;

CREATE TRIGGER account_identity
    BEFORE UPDATE ON {schema}.accounts_account
    FOR EACH ROW
    WHEN (OLD.id <> NEW.id OR OLD.kind <> NEW.kind OR OLD.currency <> NEW.currency
        OR (OLD.status = 'CLOSED' AND NEW.status <> 'CLOSED'))
    EXECUTE FUNCTION {schema}.account_identity();
