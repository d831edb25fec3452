-- History is not truncated either. Its own trigger, because an extension that shards tables, such as
-- Citus, silently leaves out a trigger that is for TRUNCATE and for something else as well.
CREATE OR REPLACE FUNCTION {schema}.ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: post a reversal instead', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER entry_not_truncated
    BEFORE TRUNCATE ON {schema}.transfers_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
