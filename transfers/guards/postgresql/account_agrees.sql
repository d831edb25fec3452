-- At commit, an account's balance and version must equal those of its newest entry, and its held
-- amount must equal the sum of its unresolved holds. Deferred, because the row is written before
-- its history.
CREATE OR REPLACE FUNCTION {schema}.account_agrees() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account {schema}.accounts_account;
    newest {schema}.transfers_ledgerentry;
    reserved numeric;
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
    IF TG_OP = 'INSERT' OR OLD.held <> NEW.held THEN
        SELECT coalesce(sum(placed.amount), 0) INTO reserved FROM {schema}.transfers_transfer placed
            WHERE placed.source_id = account.id AND placed.kind = 'HOLD'
            AND NOT EXISTS (SELECT FROM {schema}.transfers_transfer resolution
                            WHERE resolution.hold_id = placed.id);
        IF account.held <> reserved THEN
            RAISE EXCEPTION 'account % has % held, but its unresolved holds add up to %',
                account.id, account.held, reserved
                USING ERRCODE = 'check_violation', CONSTRAINT = 'account_agrees';
        END IF;
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER account_agrees
    AFTER INSERT OR UPDATE OF balance, held, version, last_posted_at ON {schema}.accounts_account
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION {schema}.account_agrees();
