"""The audit convicts a schema that protects less than the models and the guards say."""

import pytest
from django.db import connection

from audit.protection.checks import check_schema
from audit.tests.schema import BETWEEN, COLUMN, CONSTRAINT, GUARD, run, schema_findings
from transfers.tests.handwritten_rows import rows

pytestmark = pytest.mark.django_db


def replaced(table: str, constraint: str, definition: str) -> tuple[str, str]:
    return (
        f"ALTER TABLE {table} DROP CONSTRAINT {constraint}",
        f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}",
    )


ENTRIES = "ALTER TABLE transfers_ledgerentry"
TRANSFERS = "ALTER TABLE transfers_transfer"
CHANGES = "ALTER TABLE accounts_accountchange"
OVERDRAWN = "accounts_account.account_never_overdrawn"

ALTERATIONS = {
    "a guard that is switched off": (
        [f"{ENTRIES} DISABLE TRIGGER entry_chain"],
        (GUARD, "entry_chain"),
    ),
    "all guards of a table that are switched off": (
        [f"{CHANGES} DISABLE TRIGGER USER"],
        (GUARD, "change_append_only"),
        (GUARD, "change_not_truncated"),
    ),
    "a time without its microseconds": (
        [f"{ENTRIES} ALTER ts TYPE timestamptz(0)"],
        (COLUMN, "transfers_ledgerentry.ts"),
    ),
    "a text that may be longer": (
        [f"{TRANSFERS} ALTER memo TYPE varchar(500)"],
        (COLUMN, "transfers_transfer.memo"),
    ),
    "a figure with a default": (
        ["ALTER TABLE accounts_account ALTER balance SET DEFAULT 100"],
        (COLUMN, "accounts_account.balance"),
    ),
    "a time without its default": (
        ["ALTER TABLE accounts_account ALTER created_at DROP DEFAULT"],
        (COLUMN, "accounts_account.created_at"),
    ),
    "a CHECK that is gone": (
        ["ALTER TABLE accounts_account DROP CONSTRAINT account_never_overdrawn"],
        (CONSTRAINT, OVERDRAWN),
    ),
    "a CHECK of the same name with another condition": (
        replaced(
            "accounts_account",
            "account_never_overdrawn",
            "CHECK (kind = 'EXTERNAL' OR balance >= held - overdraft_limit - 1)",
        ),
        (CONSTRAINT, OVERDRAWN),
    ),
    "a CHECK of the same name that is always met": (
        replaced("accounts_account", "account_never_overdrawn", "CHECK (true)"),
        (CONSTRAINT, OVERDRAWN),
    ),
    "a CHECK that holds for new rows alone": (
        replaced(
            "transfers_transfer",
            "transfer_amount_within_bounds",
            "CHECK (amount BETWEEN 1 AND 9007199254740991) NOT VALID",
        ),
        (CONSTRAINT, "transfers_transfer.transfer_amount_within_bounds"),
    ),
    "a CHECK of a field's own that is gone": (
        [
            "ALTER TABLE idempotency_idempotencykey"
            " DROP CONSTRAINT idempotency_idempotencykey_response_status_check"
        ],
        (CONSTRAINT, "idempotency_idempotencykey.response_status"),
    ),
    "a unique key that is gone": (
        [f"{ENTRIES} DROP CONSTRAINT entry_sequence_once_per_account"],
        (CONSTRAINT, "transfers_ledgerentry.entry_sequence_once_per_account"),
    ),
    "a unique key of more columns": (
        replaced(
            "transfers_ledgerentry",
            "entry_sequence_once_per_account",
            "UNIQUE (account_id, sequence, ts)",
        ),
        (CONSTRAINT, "transfers_ledgerentry.entry_sequence_once_per_account"),
    ),
    "a unique key that is checked at the commit": (
        replaced(
            "idempotency_idempotencykey",
            "idempotency_key_once_per_user",
            "UNIQUE (user_id, key) DEFERRABLE INITIALLY DEFERRED",
        ),
        (CONSTRAINT, "idempotency_idempotencykey.idempotency_key_once_per_user"),
    ),
    "a once-only column that isn't": (
        [f"{TRANSFERS} DROP CONSTRAINT transfers_transfer_hold_id_key"],
        (CONSTRAINT, "transfers_transfer.hold_id"),
    ),
    "a unique index on fewer rows": (
        [
            "DROP INDEX account_one_external_per_currency",
            "CREATE UNIQUE INDEX account_one_external_per_currency ON accounts_account (currency)"
            " WHERE kind = 'EXTERNAL' AND currency <> 'USD'",
        ],
        (CONSTRAINT, "accounts_account.account_one_external_per_currency"),
    ),
    "a unique index that isn't": (
        [
            "DROP INDEX account_one_external_per_currency",
            "CREATE INDEX account_one_external_per_currency ON accounts_account (currency)"
            " WHERE kind = 'EXTERNAL'",
        ],
        (CONSTRAINT, "accounts_account.account_one_external_per_currency"),
    ),
    "a primary key that is gone": (
        [f"{CHANGES} DROP CONSTRAINT accounts_accountchange_pkey"],
        (CONSTRAINT, "accounts_accountchange.id"),
    ),
    "NOT NULL that is gone": (
        [f"{ENTRIES} ALTER amount DROP NOT NULL"],
        (COLUMN, "transfers_ledgerentry.amount"),
    ),
    "a figure that may have cents": (
        [f"{ENTRIES} ALTER amount TYPE numeric"],
        (COLUMN, "transfers_ledgerentry.amount"),
    ),
    "a column that is gone": (
        [f"{CHANGES} DROP reason"],
        (COLUMN, "accounts_accountchange.reason"),
    ),
    "a rule that swallows what is written": (
        ["CREATE RULE swallow AS ON INSERT TO accounts_accountchange DO INSTEAD NOTHING"],
        (BETWEEN, "accounts_accountchange"),
    ),
    "a trigger that swallows what is written": (
        [
            "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN NULL; END'",
            "CREATE TRIGGER swallow BEFORE INSERT ON accounts_accountchange"
            " FOR EACH ROW EXECUTE FUNCTION swallow()",
        ],
        (BETWEEN, "accounts_accountchange"),
    ),
    "rows that are hidden": (
        [f"{CHANGES} ENABLE ROW LEVEL SECURITY"],
        (BETWEEN, "accounts_accountchange"),
    ),
    "rows that are in another table": (
        ["CREATE TABLE more_changes () INHERITS (accounts_accountchange)"],
        (BETWEEN, "accounts_accountchange"),
    ),
    "a table that a crash empties": (
        [f"{CHANGES} SET UNLOGGED"],
        (BETWEEN, "accounts_accountchange"),
    ),
    "a table that is gone": (
        ["DROP TABLE idempotency_idempotencykey"],
        (COLUMN, "idempotency_idempotencykey"),
    ),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_of_the_schema_is_convicted_and_nothing_else(name):
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
def test_a_foreign_key_that_does_not_hold_is_convicted(table, column, how):
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


def test_a_view_in_place_of_a_table_is_convicted():
    run(
        f"{CHANGES} RENAME TO real_changes",
        "CREATE VIEW accounts_accountchange AS SELECT * FROM real_changes",
    )

    assert (BETWEEN, "accounts_accountchange") in schema_findings()


def test_not_null_that_holds_for_new_rows_alone_is_convicted():
    if connection.pg_version < 180000:
        pytest.skip("PostgreSQL 18 is the first that has it.")
    run(
        f"{ENTRIES} ALTER amount DROP NOT NULL",
        f"{ENTRIES} ADD CONSTRAINT amount_not_null NOT NULL amount NOT VALID",
    )

    assert schema_findings() == [(COLUMN, "transfers_ledgerentry.amount")]


HARMLESS = {
    "an index more": ["CREATE INDEX ON transfers_transfer (created_at)"],
    "a column more": [f"{TRANSFERS} ADD note text CHECK (note <> '') UNIQUE"],
    "a column more that refers to another table": [
        f"{TRANSFERS} ADD event_id integer REFERENCES auth_group (id)"
    ],
    "a column more that counts itself": [
        f"{TRANSFERS} ADD place bigint GENERATED ALWAYS AS IDENTITY"
    ],
    "a constraint that is there twice": [
        f"{ENTRIES} ADD CHECK (amount BETWEEN 1 AND 9007199254740991)",
        f"{ENTRIES} ADD UNIQUE (account_id, sequence)",
        f"{ENTRIES} ADD UNIQUE (account_id, sequence, ts)",
        f"{ENTRIES} ADD FOREIGN KEY (account_id) REFERENCES accounts_account (id)",
    ],
    "a constraint of another name": [
        f"{ENTRIES} RENAME CONSTRAINT entry_amount_within_bounds TO amount_within_bounds",
        f"{ENTRIES} RENAME CONSTRAINT entry_sequence_once_per_account TO once",
    ],
    "another order of columns": [
        f"{CHANGES} DROP reason",
        f"{CHANGES} ADD reason varchar(200) NOT NULL DEFAULT ''",
        f"{CHANGES} ALTER reason DROP DEFAULT",
    ],
    "a session of other habits": [
        "SET timezone = 'Asia/Tokyo'",
        "SET search_path = pg_catalog, public",
        "SET extra_float_digits = 0",
    ],
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_no_harm_is_let_be(name):
    run(*HARMLESS[name])

    assert schema_findings() == []


def test_a_schema_that_was_dumped_and_restored_is_whole():
    # A dump has each condition as PostgreSQL words it, which may be read back as another wording.
    run("SET CONSTRAINTS ALL IMMEDIATE")
    checks = rows(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid::regclass::text ~ '^(accounts|transfers|idempotency)_'"
    )
    for table, name, definition in checks:
        run(*replaced(table, name, definition))

    assert len(checks) > 20
    assert schema_findings() == []
