-- A new account is OPEN and has no overdraft limit. Any later change of either is recorded.
CREATE OR REPLACE FUNCTION {schema}.account_opened() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'new account % has status % and overdraft limit %, instead of OPEN and 0',
        NEW.id, NEW.status, NEW.overdraft_limit
        USING ERRCODE = 'check_violation', CONSTRAINT = 'account_opened';
END
$$;

CREATE TRIGGER account_opened
    BEFORE INSERT ON {schema}.accounts_account
    FOR EACH ROW
    WHEN (NEW.status <> 'OPEN' OR NEW.overdraft_limit <> 0)
    EXECUTE FUNCTION {schema}.account_opened();
