-- What an approval led to is exactly what was asked for, by the one who asked.
CREATE OR REPLACE FUNCTION {schema}.approval_result() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.transfer_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM {schema}.transfers_transfer t
            WHERE t.id = NEW.transfer_id AND t.kind = NEW.kind
                AND t.source_id = NEW.source_id AND t.dest_id = NEW.dest_id
                AND t.amount = NEW.amount AND t.currency = NEW.currency
                AND t.memo IS NOT DISTINCT FROM NEW.memo AND t.metadata = NEW.metadata
                AND t.reverses_id IS NOT DISTINCT FROM NEW.reverses_id
                AND t.created_by_id = NEW.requested_by_id)
        OR NEW.change_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM {schema}.accounts_accountchange c
            WHERE c.id = NEW.change_id AND c.account_id = NEW.account_id
                AND c.action = 'SET_OVERDRAFT_LIMIT' AND c.after = NEW.amount::text) THEN
        RAISE EXCEPTION 'approval % names a transfer or change that was not asked for', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_result';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER approval_result
    BEFORE UPDATE ON {schema}.approvals_approval
    FOR EACH ROW
    WHEN (NEW.transfer_id IS NOT NULL OR NEW.change_id IS NOT NULL)
    EXECUTE FUNCTION {schema}.approval_result();
