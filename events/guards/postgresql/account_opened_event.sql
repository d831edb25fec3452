-- Write the event of an account that was opened.
-- With the rights of the owner, so that the application needs no privilege to write events.
CREATE OR REPLACE FUNCTION {schema}.account_opened_event() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO {schema}.events_event
        (uuid, transaction, type, account_id, snapshot, created_at)
    SELECT
        (lpad(to_hex((extract(epoch FROM NEW.created_at) * 1000)::bigint), 12, '0')
            || '-7' || substr(gen_random_uuid()::text, 16))::uuid,
        pg_current_xact_id()::text::bigint
            + (SELECT coalesce(max(added), 0) FROM {schema}.events_transactionoffset),
        'account.opened',
        NEW.id,
        jsonb_build_object('owner_name', NEW.owner_name, 'status', NEW.status,
            'balance', NEW.balance, 'held', NEW.held, 'overdraft_limit', NEW.overdraft_limit,
            'version', NEW.version, 'metadata', NEW.metadata),
        NEW.created_at;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION {schema}.account_opened_event() FROM PUBLIC;

CREATE TRIGGER account_opened_event
    AFTER INSERT ON {schema}.accounts_account
    FOR EACH ROW WHEN (NEW.kind = 'CUSTOMER')
    EXECUTE FUNCTION {schema}.account_opened_event();
