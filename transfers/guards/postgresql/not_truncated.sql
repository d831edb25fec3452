-- No table of the ledger is truncated. A trigger of its own, because an extension that shards tables,
-- such as Citus, silently leaves out a trigger that is for TRUNCATE and for something else as well.
CREATE OR REPLACE FUNCTION {schema}.ledger_refuse_truncate() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is never truncated: the ledger keeps its history', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER {name}
    BEFORE TRUNCATE ON {schema}.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_truncate();
