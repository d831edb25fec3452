-- Write the events of the transfers that a statement inserted, in the order of their insertion.
-- The account is the customer's: the source unless that is the EXTERNAL account, whose id is derived
-- from its currency.
-- With the rights of the owner, so that the application needs no privilege to write events.
CREATE OR REPLACE FUNCTION {schema}.transfer_events() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO {schema}.events_event
        (uuid, transaction, type, transfer_id, account_id, other_account_id, created_at)
    SELECT
        (lpad(to_hex((extract(epoch FROM created_at) * 1000)::bigint), 12, '0')
            || '-7' || substr(gen_random_uuid()::text, 16))::uuid,
        pg_current_xact_id()::text::bigint
            + (SELECT coalesce(max(added), 0) FROM {schema}.events_transactionoffset),
        unnest(CASE kind
            WHEN 'HOLD' THEN ARRAY['hold.created']
            WHEN 'CAPTURE' THEN ARRAY['transfer.posted', 'hold.captured']
            WHEN 'VOID' THEN CASE WHEN created_by_id IS NULL
                THEN ARRAY['hold.expired'] ELSE ARRAY['hold.voided'] END
            ELSE ARRAY['transfer.posted'] END),
        id,
        CASE source_id WHEN external THEN dest_id ELSE source_id END,
        CASE WHEN external IN (source_id, dest_id) THEN NULL ELSE dest_id END,
        created_at
    FROM (SELECT *, ('00000000-0000-7000-8000-000000'
        || encode(convert_to(currency, 'UTF8'), 'hex'))::uuid AS external FROM added) fresh;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION {schema}.transfer_events() FROM PUBLIC;

CREATE TRIGGER transfer_events
    AFTER INSERT ON {schema}.transfers_transfer
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.transfer_events();
