-- A change of status or overdraft limit must match the newest record of such a change, which is
-- written before it.
CREATE OR REPLACE FUNCTION {schema}.account_recorded() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.status <> NEW.status AND NEW.status IS DISTINCT FROM (
            SELECT after FROM {schema}.accounts_accountchange
            WHERE account_id = NEW.id AND action IN ('FREEZE', 'UNFREEZE', 'CLOSE')
            ORDER BY id DESC LIMIT 1)
        OR OLD.overdraft_limit <> NEW.overdraft_limit AND NEW.overdraft_limit::text
            IS DISTINCT FROM (
            SELECT after FROM {schema}.accounts_accountchange
            WHERE account_id = NEW.id AND action = 'SET_OVERDRAFT_LIMIT'
            ORDER BY id DESC LIMIT 1) THEN
        RAISE EXCEPTION 'account % has no record of a change to status % and overdraft limit %',
            NEW.id, NEW.status, NEW.overdraft_limit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_recorded';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER account_recorded
    BEFORE UPDATE OF status, overdraft_limit ON {schema}.accounts_account
    FOR EACH ROW
    WHEN (OLD.status <> NEW.status OR OLD.overdraft_limit <> NEW.overdraft_limit)
    EXECUTE FUNCTION {schema}.account_recorded();
