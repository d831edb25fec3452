-- Write an event for each aspect of an account that changed. (A posting changes none of them.)
-- With the rights of the owner, so that the application needs no privilege to write events.
CREATE OR REPLACE FUNCTION {schema}.account_events() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO {schema}.events_event
        (uuid, transaction, type, account_id, snapshot, created_at)
    SELECT
        (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
            || '-7' || substr(gen_random_uuid()::text, 16))::uuid,
        pg_current_xact_id()::text::bigint
            + (SELECT coalesce(max(added), 0) FROM {schema}.events_transactionoffset),
        unnest(array_remove(ARRAY[
            CASE WHEN (OLD.owner_name, OLD.metadata) IS DISTINCT FROM (NEW.owner_name, NEW.metadata)
                THEN 'account.updated' END,
            CASE WHEN OLD.status <> NEW.status THEN CASE NEW.status
                WHEN 'FROZEN' THEN 'account.frozen'
                WHEN 'CLOSED' THEN 'account.closed'
                ELSE 'account.unfrozen' END END,
            CASE WHEN OLD.overdraft_limit <> NEW.overdraft_limit
                THEN 'account.limit_changed' END], NULL)),
        NEW.id,
        jsonb_build_object('owner_name', NEW.owner_name, 'status', NEW.status,
            'balance', NEW.balance, 'held', NEW.held, 'overdraft_limit', NEW.overdraft_limit,
            'version', NEW.version, 'metadata', NEW.metadata),
        clock_timestamp();
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION {schema}.account_events() FROM PUBLIC;

CREATE TRIGGER account_events
    AFTER UPDATE OF owner_name, metadata, status, overdraft_limit ON {schema}.accounts_account
    FOR EACH ROW WHEN (NEW.kind = 'CUSTOMER' AND (OLD.owner_name, OLD.metadata, OLD.status,
        OLD.overdraft_limit) IS DISTINCT FROM (NEW.owner_name, NEW.metadata, NEW.status,
        NEW.overdraft_limit))
    EXECUTE FUNCTION {schema}.account_events();
