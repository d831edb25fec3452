-- The entries of a customer's account form a chain. Each has a sequence and a balance that continue
-- those of the entry before it, and the balance stays within the overdraft limit. The newest entry
-- agrees with the account's row. The entries of an EXTERNAL account have no sequence and no
-- balance. A closed account takes no entry.
-- (A unique constraint keeps entries from being added to a transfer that has its DEBIT and CREDIT.)
CREATE OR REPLACE FUNCTION {schema}.entry_chain() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    broken record;
BEGIN
    SELECT fresh.id, fresh.sequence INTO broken
        FROM added fresh
        LEFT JOIN {schema}.accounts_account account ON account.id = fresh.account_id
        LEFT JOIN {schema}.transfers_ledgerentry earlier
            ON earlier.account_id = fresh.account_id AND earlier.sequence = fresh.sequence - 1
        -- Foreign keys are checked at commit. An account inserted after its entries would escape
        -- these checks, so an entry without an account is refused here.
        WHERE account.id IS NULL OR account.status = 'CLOSED' OR CASE WHEN account.kind = 'EXTERNAL'
            THEN fresh.sequence IS NOT NULL OR fresh.balance IS NOT NULL
            ELSE fresh.sequence IS NULL OR fresh.balance IS NULL
                OR (fresh.sequence > 1 AND earlier.id IS NULL)
                OR fresh.ts < earlier.ts
                OR fresh.balance < -account.overdraft_limit
                OR fresh.balance <> coalesce(earlier.balance, 0)
                    + CASE fresh.type WHEN 'CREDIT' THEN fresh.amount ELSE -fresh.amount END
            END
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % (sequence %) does not continue the entries of its account',
            broken.id, broken.sequence
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_chain';
    END IF;

    SELECT account.id INTO broken
        FROM (SELECT account_id, max(sequence) AS sequence FROM added
              WHERE sequence IS NOT NULL GROUP BY account_id) newest
        JOIN {schema}.accounts_account account ON account.id = newest.account_id
        JOIN added fresh
            ON fresh.account_id = newest.account_id AND fresh.sequence = newest.sequence
        WHERE account.version <> newest.sequence OR account.balance <> fresh.balance
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'account % does not agree with its newest entry', broken.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_chain';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER entry_chain
    AFTER INSERT ON {schema}.transfers_ledgerentry
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.entry_chain();
