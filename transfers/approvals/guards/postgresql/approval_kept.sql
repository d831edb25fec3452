-- An approval is never deleted: it records who asked and who decided.
CREATE OR REPLACE FUNCTION {schema}.approval_kept() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'approvals cannot be deleted: decline or withdraw the request instead'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'approval_kept';
END
$$;

CREATE TRIGGER approval_kept
    BEFORE DELETE ON {schema}.approvals_approval
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.approval_kept();
