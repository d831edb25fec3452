-- A new approval is pending. Nobody can insert one that is already decided.
CREATE OR REPLACE FUNCTION {schema}.approval_pending() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'new approval % has status %, instead of PENDING', NEW.id, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_pending';
END
$$;

CREATE TRIGGER approval_pending
    BEFORE INSERT ON {schema}.approvals_approval
    FOR EACH ROW
    WHEN (NEW.status <> 'PENDING')
    EXECUTE FUNCTION {schema}.approval_pending();
