-- A thousand accounts for the ceiling, each with an opening deposit, and ten users who own them in
-- turn. The ids are computed from numbers, because pgbench only has numbers. An id contains the time
-- when its account was opened, which is the same for all of these.
CREATE FUNCTION ceiling_account(number integer) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN ('01900000-0000-7000-8000-' || lpad(number::text, 12, '0'))::uuid;
CREATE FUNCTION ceiling_owner(number integer) RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN 1 + number % 10;

INSERT INTO auth_user (id, username, password, is_superuser, first_name, last_name, email, is_staff,
        is_active, date_joined)
    SELECT 1 + number, 'load-' || number, '!', false, '', '', '', false, true, now()
    FROM generate_series(0, 9) AS number;

INSERT INTO accounts_account (id, owner_id, owner_name, owner_name_folded, currency, kind, status,
        balance, held, overdraft_limit, version, hold_version, last_posted_at, metadata,
        created_at)
    SELECT ceiling_account(number), ceiling_owner(number), 'Account ' || number,
        'account ' || number, 'USD', 'CUSTOMER', 'OPEN', 1000000000, 0, 0, 1, 0, now(), '{}', to_timestamp(1717986918.4)
    FROM generate_series(1, 1000) AS number;

CREATE TEMPORARY TABLE deposit ON COMMIT DROP AS
    SELECT uuidv7() AS id, ceiling_account(number) AS dest, ceiling_owner(number) AS teller,
        external.id AS source
    FROM generate_series(1, 1000) AS number
    JOIN accounts_account external ON external.kind = 'EXTERNAL' AND external.currency = 'USD';

INSERT INTO transfers_ledgerentry (id, ts, account_id, transfer_id, type, amount, balance, sequence)
    SELECT uuidv7(), now(), source, id, 'DEBIT', 1000000000, NULL::bigint, NULL::bigint FROM deposit
    UNION ALL
    SELECT uuidv7(), now(), dest, id, 'CREDIT', 1000000000, 1000000000, 1 FROM deposit;

INSERT INTO transfers_transfer
        (id, kind, source_id, dest_id, amount, currency, metadata, created_by_id, created_at)
    SELECT id, 'DEPOSIT', source, dest, 1000000000, 'USD', '{}', teller, now() FROM deposit;
