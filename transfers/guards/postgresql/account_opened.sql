-- An account is opened OPEN and without an overdraft: whatever comes later is recorded.
CREATE OR REPLACE FUNCTION {schema}.account_opened() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'account % is opened % with the limit %',
        NEW.id, NEW.status, NEW.overdraft_limit
        USING ERRCODE = 'check_violation', CONSTRAINT = 'account_opened';
END
$$;

CREATE TRIGGER account_opened
    BEFORE INSERT ON {schema}.accounts_account
    FOR EACH ROW
    WHEN (NEW.status <> 'OPEN' OR NEW.overdraft_limit <> 0)
    EXECUTE FUNCTION {schema}.account_opened();
