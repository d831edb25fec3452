-- A ledger of functions in the database, after the idea of pgledger and without its code. It has no
-- users, keys, HTTP or guards: a transfer is one call.
CREATE TABLE account (
    id uuid PRIMARY KEY,
    number integer NOT NULL UNIQUE,
    name text NOT NULL,
    currency text NOT NULL,
    balance numeric NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    allow_negative_balance boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE transfer (
    id uuid PRIMARY KEY,
    from_account_id uuid NOT NULL REFERENCES account,
    to_account_id uuid NOT NULL REFERENCES account,
    amount numeric NOT NULL CHECK (amount > 0),
    metadata jsonb,
    created_at timestamptz NOT NULL,
    CHECK (from_account_id <> to_account_id)
);
CREATE INDEX ON transfer (from_account_id);
CREATE INDEX ON transfer (to_account_id);
CREATE TABLE entry (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    transfer_id uuid NOT NULL REFERENCES transfer,
    amount numeric NOT NULL,
    previous_balance numeric NOT NULL,
    current_balance numeric NOT NULL,
    account_version bigint NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX ON entry (account_id);
CREATE INDEX ON entry (transfer_id);

-- Add an amount to a locked account, and record the entry.
CREATE FUNCTION add_entry(account_id uuid, transfer_id uuid, amount numeric, at timestamptz)
    RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    changed account;
BEGIN
    UPDATE account SET balance = balance + add_entry.amount, version = version + 1, updated_at = at
        WHERE id = add_entry.account_id RETURNING * INTO changed;
    IF changed.balance < 0 AND NOT changed.allow_negative_balance THEN
        RAISE EXCEPTION 'Account % has insufficient funds', changed.name;
    END IF;
    INSERT INTO entry VALUES (uuidv7(), changed.id, transfer_id, amount,
        changed.balance - amount, changed.balance, changed.version, at);
END $$;

CREATE FUNCTION create_transfer(from_id uuid, to_id uuid, amount numeric)
    RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    new_id uuid := uuidv7();
    at timestamptz;
    currencies integer;
BEGIN
    -- Lock both accounts in order.
    PERFORM FROM account WHERE id IN (from_id, to_id) ORDER BY id FOR UPDATE;
    SELECT count(DISTINCT currency) INTO currencies FROM account WHERE id IN (from_id, to_id);
    IF currencies <> 1 THEN
        RAISE EXCEPTION 'A transfer needs two accounts of one currency';
    END IF;
    at := clock_timestamp();
    INSERT INTO transfer VALUES (new_id, from_id, to_id, amount, NULL, at);
    PERFORM add_entry(from_id, new_id, -amount, at);
    PERFORM add_entry(to_id, new_id, amount, at);
    RETURN new_id;
END $$;

INSERT INTO account (id, number, name, currency, balance)
    SELECT uuidv7(), number, 'Account ' || number, 'USD', 1000000000
    FROM generate_series(1, 1000) AS number;
