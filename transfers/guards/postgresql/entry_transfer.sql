-- At commit, the transfer of an entry must be one that moves money. Deferred, because another
-- transaction may be inserting a HOLD or VOID with that id, and neither sees the other's rows
-- before then.
CREATE OR REPLACE FUNCTION {schema}.entry_transfer() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM {schema}.transfers_transfer
            WHERE id = NEW.transfer_id AND kind NOT IN ('HOLD', 'VOID')) THEN
        RAISE EXCEPTION 'entry % does not belong to a transfer that moves money', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_transfer';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER entry_transfer
    AFTER INSERT ON {schema}.transfers_ledgerentry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION {schema}.entry_transfer();
