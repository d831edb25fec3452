-- What was asked for never changes, and neither does a decision.
CREATE OR REPLACE FUNCTION {schema}.approval_decided_once() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'approval % was already decided, or what it asks for would change', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_decided_once';
END
$$;

CREATE TRIGGER approval_decided_once
    BEFORE UPDATE ON {schema}.approvals_approval
    FOR EACH ROW
    WHEN (OLD.status <> 'PENDING'
        OR (OLD.id, OLD.kind, OLD.account_id, OLD.source_id, OLD.dest_id, OLD.reverses_id,
            OLD.amount, OLD.currency, OLD.memo, OLD.metadata, OLD.expires_in,
            OLD.requested_by_id, OLD.requested_at)
        IS DISTINCT FROM (NEW.id, NEW.kind, NEW.account_id, NEW.source_id, NEW.dest_id,
            NEW.reverses_id, NEW.amount, NEW.currency, NEW.memo, NEW.metadata, NEW.expires_in,
            NEW.requested_by_id, NEW.requested_at))
    EXECUTE FUNCTION {schema}.approval_decided_once();
