-- No statement updates or deletes history. (The owner of the table can drop this trigger.)
CREATE OR REPLACE FUNCTION {schema}.ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: its rows cannot be changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER {name}
    BEFORE UPDATE OR DELETE ON {schema}.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
