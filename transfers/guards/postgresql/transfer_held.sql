-- The HOLDs, CAPTUREs and VOIDs of a source form a chain. Each has a hold_sequence and a held amount
-- that continue those of the one before it: a HOLD adds its amount, and a CAPTURE or VOID releases
-- the amount of its hold. The newest agrees with the account's row. So the held amount is the sum of
-- the unresolved holds, and no check has to read them.
-- For each row, so that WHEN spares the other kinds the call. (A CHECK requires a hold_sequence of
-- these three kinds, and of no other.)
CREATE OR REPLACE FUNCTION {schema}.transfer_held() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    earlier bigint;
    change bigint;
BEGIN
    SELECT held INTO earlier FROM {schema}.transfers_transfer
        WHERE source_id = NEW.source_id AND hold_sequence = NEW.hold_sequence - 1;
    change := CASE NEW.kind WHEN 'HOLD' THEN NEW.amount
        ELSE -(SELECT amount FROM {schema}.transfers_transfer WHERE id = NEW.hold_id) END;
    IF (NEW.hold_sequence > 1 AND earlier IS NULL)
            OR NEW.held IS DISTINCT FROM coalesce(earlier, 0) + change THEN
        RAISE EXCEPTION 'transfer % (hold sequence %) does not continue the holds of its source',
            NEW.id, NEW.hold_sequence
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_held';
    END IF;
    -- Several rows of one statement are checked after all of them were inserted.
    IF NOT EXISTS (SELECT FROM {schema}.accounts_account WHERE id = NEW.source_id
                AND (held, hold_version) = (NEW.held, NEW.hold_sequence))
            AND NOT EXISTS (SELECT FROM {schema}.transfers_transfer
                WHERE source_id = NEW.source_id AND hold_sequence = NEW.hold_sequence + 1) THEN
        RAISE EXCEPTION 'account % does not agree with its newest hold', NEW.source_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_held';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER transfer_held
    AFTER INSERT ON {schema}.transfers_transfer
    FOR EACH ROW WHEN (NEW.hold_sequence IS NOT NULL)
    EXECUTE FUNCTION {schema}.transfer_held();
