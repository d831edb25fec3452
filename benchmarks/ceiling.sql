-- The ceiling: only the statements of a transfer. Each client of pgbench runs them repeatedly as
-- prepared statements. Body, headers and fingerprint are real. If `hot` is 1, every transfer goes
-- into the first account.
\set source random(1 + :hot, 1000)
\set dest CASE WHEN :hot = 1 THEN 1 ELSE 1 + (:source + random(0, 998)) % 1000 END
\set amount random(1, 100)
BEGIN;
-- Claim the key.
INSERT INTO idempotency_idempotencykey
    (id, user_id, key, method, path, fingerprint, response_headers, created_at)
    VALUES (uuidv7(), ceiling_owner(:source), gen_random_uuid()::text, 'POST', '/transfers',
        :fingerprint, '{}', now())
    ON CONFLICT (user_id, key) DO NOTHING RETURNING id AS key_id \gset
-- Lock the accounts, in order, and only then read the clock.
SELECT uuidv7() AS transfer_id, clock_timestamp() AS posted_at,
    max(balance) FILTER (WHERE id = ceiling_account(:source)) AS source_balance,
    max(version) FILTER (WHERE id = ceiling_account(:source)) AS source_version,
    max(balance) FILTER (WHERE id = ceiling_account(:dest)) AS dest_balance,
    max(version) FILTER (WHERE id = ceiling_account(:dest)) AS dest_version
    FROM (
        SELECT id, balance, version FROM accounts_account
        WHERE kind = 'CUSTOMER' AND id IN (ceiling_account(:source), ceiling_account(:dest))
        ORDER BY id FOR NO KEY UPDATE
    ) locked \gset
-- Write, in the order that the ledger writes in.
UPDATE accounts_account account
    SET balance = new.balance, version = new.version, last_posted_at = :posted_at
    FROM (VALUES
        (ceiling_account(:source), :source_balance::bigint - :amount::bigint,
            :source_version::bigint + 1),
        (ceiling_account(:dest), :dest_balance::bigint + :amount::bigint, :dest_version::bigint + 1)
    ) AS new (id, balance, version)
    WHERE account.id = new.id;
INSERT INTO transfers_ledgerentry
    (id, ts, account_id, transfer_id, type, amount, balance, sequence)
    VALUES
        (uuidv7(), :posted_at, ceiling_account(:source), :transfer_id, 'DEBIT', :amount::bigint,
            :source_balance::bigint - :amount::bigint, :source_version::bigint + 1),
        (uuidv7(), :posted_at, ceiling_account(:dest), :transfer_id, 'CREDIT', :amount::bigint,
            :dest_balance::bigint + :amount::bigint, :dest_version::bigint + 1);
INSERT INTO transfers_transfer
    (id, kind, source_id, dest_id, amount, currency, memo, metadata, created_by_id, created_at)
    VALUES (:transfer_id, 'TRANSFER', ceiling_account(:source), ceiling_account(:dest),
        :amount::bigint, 'USD', 'Invoice 4711', '{}', ceiling_owner(:source), :posted_at);
-- Store the response.
UPDATE idempotency_idempotencykey
    SET response_status = 201, response_headers = :headers, response_body = :body
    WHERE id = :key_id;
COMMIT;
