-- A transfer that moves money has one DEBIT on its source and one CREDIT on its destination, each
-- of its amount. A HOLD or VOID has no entries. Entries must be inserted before their transfer or
-- by the same statement, so that a transfer is checked as a whole when it is inserted.
CREATE OR REPLACE FUNCTION {schema}.transfer_legs() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    broken record;
BEGIN
    SELECT fresh.id INTO broken
        FROM added fresh
        -- LATERAL: before the first ANALYZE, a plain join would read every entry in the table.
        CROSS JOIN LATERAL (
            SELECT count(*) AS legs,
                count(*) FILTER (WHERE entry.type = 'DEBIT'
                    AND entry.account_id = fresh.source_id AND entry.amount = fresh.amount
                    AND entry.ts >= fresh.created_at) AS debits,
                count(*) FILTER (WHERE entry.type = 'CREDIT'
                    AND entry.account_id = fresh.dest_id AND entry.amount = fresh.amount
                    AND entry.ts >= fresh.created_at) AS credits
            FROM {schema}.transfers_ledgerentry entry WHERE entry.transfer_id = fresh.id
        ) written
        WHERE CASE WHEN fresh.kind IN ('HOLD', 'VOID') THEN written.legs <> 0
            ELSE (written.legs, written.debits, written.credits) <> (2, 1, 1) END
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transfer % does not have the entries that its kind requires', broken.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_legs';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER transfer_legs
    AFTER INSERT ON {schema}.transfers_transfer
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.transfer_legs();
