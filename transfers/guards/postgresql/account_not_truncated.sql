-- Accounts are not truncated either. Its own trigger for the reason in transfer_not_truncated.sql.
CREATE OR REPLACE FUNCTION {schema}.account_not_truncated() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'an account is closed, never deleted'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'account_not_truncated';
END
$$;

CREATE TRIGGER account_not_truncated
    BEFORE TRUNCATE ON {schema}.accounts_account
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.account_not_truncated();
