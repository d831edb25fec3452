"""The audit reports a PostgreSQL schema that lacks something the models or guards have."""

import pytest
from django.db import connection

from audit.protection.checks import check_schema
from audit.tests.schema import BETWEEN, COLUMN, CONSTRAINT, GUARD, run, schema_findings
from transfers.tests.handwritten_rows import rows

pytestmark = pytest.mark.django_db


def replace_constraint(table: str, constraint: str, definition: str) -> tuple[str, str]:
    return (
        f"ALTER TABLE {table} DROP CONSTRAINT {constraint}",
        f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}",
    )


ENTRIES = "ALTER TABLE transfers_ledgerentry"
TRANSFERS = "ALTER TABLE transfers_transfer"
CHANGES = "ALTER TABLE accounts_accountchange"
OVERDRAWN = "accounts_account.account_never_overdrawn"

ALTERATIONS = {
    "a disabled guard": (
        [f"{ENTRIES} DISABLE TRIGGER entry_chain"],
        (GUARD, "entry_chain"),
    ),
    "all guards of a table disabled": (
        [f"{CHANGES} DISABLE TRIGGER USER"],
        (GUARD, "change_append_only"),
        (GUARD, "change_not_truncated"),
    ),
    "a time without microseconds": (
        [f"{ENTRIES} ALTER ts TYPE timestamptz(0)"],
        (COLUMN, "transfers_ledgerentry.ts"),
    ),
    "a longer varchar": (
        [f"{TRANSFERS} ALTER memo TYPE varchar(500)"],
        (COLUMN, "transfers_transfer.memo"),
    ),
    "a figure with a default": (
        ["ALTER TABLE accounts_account ALTER balance SET DEFAULT 100"],
        (COLUMN, "accounts_account.balance"),
    ),
    "a time without a default": (
        ["ALTER TABLE accounts_account ALTER created_at DROP DEFAULT"],
        (COLUMN, "accounts_account.created_at"),
    ),
    "a time with another default": (
        ["ALTER TABLE accounts_account ALTER created_at SET DEFAULT '2000-01-01 00:00:00+00'"],
        (COLUMN, "accounts_account.created_at"),
    ),
    "a time with another clock as its default": (
        [f"{CHANGES} ALTER at SET DEFAULT transaction_timestamp()"],
        (COLUMN, "accounts_accountchange.at"),
    ),
    "a text with another default": (
        ["ALTER TABLE idempotency_idempotencykey ALTER relied_on SET DEFAULT 'own'"],
        (COLUMN, "idempotency_idempotencykey.relied_on"),
    ),
    "a text with a default that can't be computed": (
        ["ALTER TABLE idempotency_idempotencykey ALTER relied_on SET DEFAULT 1 / length('')"],
        (COLUMN, "idempotency_idempotencykey.relied_on"),
    ),
    "another CHECK with the name of one that has another name now": (
        [
            f"{ENTRIES} RENAME CONSTRAINT entry_amount_within_bounds TO amount_within_bounds",
            f"{ENTRIES} ADD CONSTRAINT entry_amount_within_bounds CHECK (amount <> 777)",
        ],
        (CONSTRAINT, "transfers_ledgerentry.entry_amount_within_bounds"),
    ),
    "another unique key with the name of one that has another name now": (
        [
            f"{ENTRIES} RENAME CONSTRAINT entry_sequence_once_per_account TO once",
            f"{ENTRIES} ADD CONSTRAINT entry_sequence_once_per_account UNIQUE (account_id, amount)",
        ],
        (CONSTRAINT, "transfers_ledgerentry.entry_sequence_once_per_account"),
    ),
    "a missing CHECK": (
        ["ALTER TABLE accounts_account DROP CONSTRAINT account_never_overdrawn"],
        (CONSTRAINT, OVERDRAWN),
    ),
    "a CHECK with the same name and another condition": (
        replace_constraint(
            "accounts_account",
            "account_never_overdrawn",
            "CHECK (kind = 'EXTERNAL' OR balance >= held - overdraft_limit - 1)",
        ),
        (CONSTRAINT, OVERDRAWN),
    ),
    "a CHECK with the same name that is always true": (
        replace_constraint("accounts_account", "account_never_overdrawn", "CHECK (true)"),
        (CONSTRAINT, OVERDRAWN),
    ),
    "a CHECK on new rows only": (
        replace_constraint(
            "transfers_transfer",
            "transfer_amount_within_bounds",
            "CHECK (amount BETWEEN 1 AND 9007199254740991) NOT VALID",
        ),
        (CONSTRAINT, "transfers_transfer.transfer_amount_within_bounds"),
    ),
    "a missing CHECK of a field type": (
        [
            "ALTER TABLE idempotency_idempotencykey"
            " DROP CONSTRAINT idempotency_idempotencykey_response_status_check"
        ],
        (CONSTRAINT, "idempotency_idempotencykey.response_status"),
    ),
    "a webhook of any status": (
        ["ALTER TABLE webhooks_endpoint DROP CONSTRAINT endpoint_status_known"],
        (CONSTRAINT, "webhooks_endpoint.endpoint_status_known"),
    ),
    "a service key without a secret": (
        ["ALTER TABLE service_keys_servicekey ALTER secret_digest DROP NOT NULL"],
        (COLUMN, "service_keys_servicekey.secret_digest"),
    ),
    "a missing unique key": (
        [f"{ENTRIES} DROP CONSTRAINT entry_sequence_once_per_account"],
        (CONSTRAINT, "transfers_ledgerentry.entry_sequence_once_per_account"),
    ),
    "a unique key with more columns": (
        replace_constraint(
            "transfers_ledgerentry",
            "entry_sequence_once_per_account",
            "UNIQUE (account_id, sequence, ts)",
        ),
        (CONSTRAINT, "transfers_ledgerentry.entry_sequence_once_per_account"),
    ),
    "a deferred unique key": (
        replace_constraint(
            "idempotency_idempotencykey",
            "idempotency_key_once_per_user",
            "UNIQUE (user_id, key) DEFERRABLE INITIALLY DEFERRED",
        ),
        (CONSTRAINT, "idempotency_idempotencykey.idempotency_key_once_per_user"),
    ),
    "a missing unique key of one column": (
        [f"{TRANSFERS} DROP CONSTRAINT transfers_transfer_hold_id_key"],
        (CONSTRAINT, "transfers_transfer.hold_id"),
    ),
    "a unique index with another condition": (
        [
            "DROP INDEX account_one_external_per_currency",
            "CREATE UNIQUE INDEX account_one_external_per_currency ON accounts_account (currency)"
            " WHERE kind = 'EXTERNAL' AND currency <> 'USD'",
        ],
        (CONSTRAINT, "accounts_account.account_one_external_per_currency"),
    ),
    "an index that isn't unique any more": (
        [
            "DROP INDEX account_one_external_per_currency",
            "CREATE INDEX account_one_external_per_currency ON accounts_account (currency)"
            " WHERE kind = 'EXTERNAL'",
        ],
        (CONSTRAINT, "accounts_account.account_one_external_per_currency"),
    ),
    "a missing primary key": (
        [f"{ENTRIES} DROP CONSTRAINT transfers_ledgerentry_pkey"],
        (CONSTRAINT, "transfers_ledgerentry.id"),
    ),
    "a missing NOT NULL": (
        [f"{ENTRIES} ALTER amount DROP NOT NULL"],
        (COLUMN, "transfers_ledgerentry.amount"),
    ),
    "a figure of another type": (
        [f"{ENTRIES} ALTER amount TYPE numeric"],
        (COLUMN, "transfers_ledgerentry.amount"),
    ),
    "a missing column": (
        ["ALTER TABLE idempotency_idempotencykey DROP path"],
        (COLUMN, "idempotency_idempotencykey.path"),
    ),
    "a rule that discards rows": (
        ["CREATE RULE discard AS ON INSERT TO accounts_accountchange DO INSTEAD NOTHING"],
        (BETWEEN, "accounts_accountchange"),
    ),
    "a trigger that discards rows": (
        [
            "CREATE FUNCTION discard() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN NULL; END'",
            "CREATE TRIGGER discard BEFORE INSERT ON accounts_accountchange"
            " FOR EACH ROW EXECUTE FUNCTION discard()",
        ],
        (BETWEEN, "accounts_accountchange"),
    ),
    "row-level security": (
        [f"{CHANGES} ENABLE ROW LEVEL SECURITY"],
        (BETWEEN, "accounts_accountchange"),
    ),
    "a child table": (
        ["CREATE TABLE more_changes () INHERITS (accounts_accountchange)"],
        (BETWEEN, "accounts_accountchange"),
    ),
    "an unlogged table": (
        [f"{ENTRIES} SET UNLOGGED"],
        (BETWEEN, "transfers_ledgerentry"),
    ),
    "a missing table": (
        ["DROP TABLE idempotency_idempotencykey"],
        (COLUMN, "idempotency_idempotencykey"),
    ),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_of_the_schema_is_reported(name):
    statements, *expected = ALTERATIONS[name]
    run("SET CONSTRAINTS ALL IMMEDIATE", *statements)

    assert schema_findings() == expected
    assert len(check_schema(databases=["default"])) == len(
        [check for check, _ in expected if check != GUARD]
    )


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("transfers_ledgerentry", "transfer_id"),
        ("transfers_transfer", "hold_id"),
        ("accounts_account", "owner_id"),
    ],
)
@pytest.mark.parametrize("how", [None, "NOT VALID", "ON DELETE CASCADE", "ON UPDATE SET NULL"])
def test_a_foreign_key_that_is_missing_or_altered_is_reported(table, column, how):
    run("SET CONSTRAINTS ALL IMMEDIATE")
    [[name, target]] = rows(
        "SELECT conname, confrelid::regclass::text FROM pg_constraint JOIN pg_attribute"
        " ON attrelid = conrelid AND conkey = ARRAY[attnum]"
        " WHERE contype = 'f' AND conrelid = %s::regclass AND attname = %s",
        table,
        column,
    )
    run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    if how:
        run(f"ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES {target} {how}")

    assert schema_findings() == [(CONSTRAINT, f"{table}.{column}")]


def test_a_view_in_place_of_a_table_is_reported():
    run(
        f"{CHANGES} RENAME TO real_changes",
        "CREATE VIEW accounts_accountchange AS SELECT * FROM real_changes",
    )

    assert (BETWEEN, "accounts_accountchange") in schema_findings()


def test_not_null_on_new_rows_only_is_reported():
    if connection.pg_version < 180000:
        pytest.skip("NOT NULL NOT VALID requires PostgreSQL 18.")
    run(
        f"{ENTRIES} ALTER amount DROP NOT NULL",
        f"{ENTRIES} ADD CONSTRAINT amount_not_null NOT NULL amount NOT VALID",
    )

    assert schema_findings() == [(COLUMN, "transfers_ledgerentry.amount")]


def test_a_restored_dump_passes():
    # A dump contains each condition as PostgreSQL words it, and restoring may reword it again.
    run("SET CONSTRAINTS ALL IMMEDIATE")
    checks = rows(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid::regclass::text ~ '^(accounts|transfers|idempotency)_'"
    )
    for table, name, definition in checks:
        run(*replace_constraint(table, name, definition))

    assert len(checks) > 20
    assert schema_findings() == []
