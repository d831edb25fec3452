-- A transfer follows the rules of its kind:
-- * Its currency is that of both accounts.
-- * Only a DEPOSIT, a WITHDRAWAL or the REVERSAL of one has an EXTERNAL account.
-- * A CAPTURE or VOID resolves a HOLD with the same source and destination.
-- * A REVERSAL mirrors its original.
-- * A frozen account takes part only in a VOID or a REVERSAL.
-- * The destination of a HOLD isn't closed.
CREATE OR REPLACE FUNCTION {schema}.transfer_kind() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    broken record;
BEGIN
    SELECT fresh.id, fresh.kind INTO broken
        FROM added fresh
        LEFT JOIN {schema}.accounts_account source ON source.id = fresh.source_id
        LEFT JOIN {schema}.accounts_account dest ON dest.id = fresh.dest_id
        LEFT JOIN {schema}.transfers_transfer placed ON placed.id = fresh.hold_id
        LEFT JOIN {schema}.transfers_transfer original ON original.id = fresh.reverses_id
        WHERE source.currency IS DISTINCT FROM fresh.currency
            OR dest.currency IS DISTINCT FROM fresh.currency
            OR CASE fresh.kind
                WHEN 'DEPOSIT' THEN source.kind <> 'EXTERNAL' OR dest.kind <> 'CUSTOMER'
                WHEN 'WITHDRAWAL' THEN source.kind <> 'CUSTOMER' OR dest.kind <> 'EXTERNAL'
                WHEN 'REVERSAL' THEN
                    (fresh.source_id, fresh.dest_id, fresh.amount)
                        IS DISTINCT FROM (original.dest_id, original.source_id, original.amount)
                    OR original.kind IN ('HOLD', 'VOID', 'REVERSAL')
                ELSE source.kind <> 'CUSTOMER' OR dest.kind <> 'CUSTOMER' END
            OR CASE WHEN fresh.kind IN ('CAPTURE', 'VOID') THEN
                placed.kind IS DISTINCT FROM 'HOLD'
                OR (fresh.source_id, fresh.dest_id) <> (placed.source_id, placed.dest_id)
                OR fresh.amount > placed.amount
                OR (fresh.kind = 'CAPTURE' AND fresh.created_at >= placed.expires_at)
                OR (fresh.kind = 'VOID' AND fresh.amount <> placed.amount)
                ELSE false END
            OR (fresh.kind NOT IN ('VOID', 'REVERSAL')
                AND (source.status = 'FROZEN' OR dest.status = 'FROZEN'))
            OR (fresh.kind = 'HOLD' AND dest.status = 'CLOSED')
            OR (fresh.created_by_id IS NULL
                AND (fresh.kind <> 'VOID' OR fresh.created_at < placed.expires_at))
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transfer % breaks a rule of its kind, %', broken.id, broken.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_kind';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER transfer_kind
    AFTER INSERT ON {schema}.transfers_transfer
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.transfer_kind();
