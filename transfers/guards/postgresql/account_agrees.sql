-- At commit, an account's balance and version must equal those of its newest entry, and its held
-- amount and hold_version those of the newest HOLD, CAPTURE or VOID of which it is the source.
-- Deferred, because the row is written before its history.
CREATE OR REPLACE FUNCTION {schema}.account_agrees() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account {schema}.accounts_account;
    newest {schema}.transfers_ledgerentry;
    reserved {schema}.transfers_transfer;
BEGIN
    -- Read the current row: NEW is the row as it was when this deferred event was queued.
    SELECT * INTO account FROM {schema}.accounts_account WHERE id = NEW.id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT * INTO newest FROM {schema}.transfers_ledgerentry
        WHERE account_id = account.id AND sequence IS NOT NULL
        ORDER BY sequence DESC LIMIT 1;
    IF (account.balance, account.version, account.last_posted_at) IS DISTINCT FROM
            (coalesce(newest.balance, 0), coalesce(newest.sequence, 0), newest.ts) THEN
        RAISE EXCEPTION 'account % has balance % at version %, but its newest entry has % at %',
            account.id, account.balance, account.version, newest.balance, newest.sequence
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_agrees';
    END IF;
    IF TG_OP = 'INSERT' OR (OLD.held, OLD.hold_version) <> (NEW.held, NEW.hold_version) THEN
        -- Bounded from below, so that only the index of hold_sequence fits: without statistics,
        -- PostgreSQL may otherwise read all transfers of the account and sort them.
        SELECT * INTO reserved FROM {schema}.transfers_transfer
            WHERE source_id = account.id AND hold_sequence >= account.hold_version
            ORDER BY hold_sequence DESC LIMIT 1;
        IF (account.held, account.hold_version) IS DISTINCT FROM
                (coalesce(reserved.held, 0), coalesce(reserved.hold_sequence, 0)) THEN
            RAISE EXCEPTION 'account % has % held after % holds, but its newest has % after %',
                account.id, account.held, account.hold_version, reserved.held,
                reserved.hold_sequence
                USING ERRCODE = 'check_violation', CONSTRAINT = 'account_agrees';
        END IF;
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER account_agrees
    AFTER INSERT OR UPDATE OF balance, held, version, hold_version, last_posted_at
    ON {schema}.accounts_account
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION {schema}.account_agrees();
