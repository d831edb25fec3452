-- An account is never deleted. Foreign keys alone don't prevent it: they are checked at commit, and
-- an account inserted again with the same id but another currency or kind would satisfy them.
CREATE OR REPLACE FUNCTION {schema}.account_kept() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'accounts cannot be deleted: close the account instead'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_kept';
END
$$;

CREATE TRIGGER account_kept
    BEFORE DELETE ON {schema}.accounts_account
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.account_kept();
