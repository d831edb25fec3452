-- No table of the ledger can be truncated. This is a separate trigger because extensions that shard
-- tables, such as Citus, silently skip a trigger that combines TRUNCATE with another event.
CREATE OR REPLACE FUNCTION {schema}.ledger_refuse_truncate() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% cannot be truncated: the ledger keeps its history', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER {name}
    BEFORE TRUNCATE ON {schema}.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_truncate();
