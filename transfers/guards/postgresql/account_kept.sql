-- An account is never deleted: foreign keys wait for the commit, and another account of the same id,
-- of another currency or kind, would satisfy them.
CREATE OR REPLACE FUNCTION {schema}.account_kept() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'an account is closed, never deleted'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_kept';
END
$$;

CREATE TRIGGER account_kept
    BEFORE DELETE ON {schema}.accounts_account
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.account_kept();
