"""The audit reports additions to a SQLite schema that refuse or change rows."""

import pytest
from django.db import transaction

from audit.tests.schema import COLUMN, CONSTRAINT, REFUSING_CHECKS, run, schema_findings
from audit.tests.test_sqlite_integrity_schema import replace_in_schema

pytestmark = pytest.mark.django_db

TRANSFERS, KEYS = "transfers_transfer", "idempotency_idempotencykey"
AMOUNT = '"amount" bigint NOT NULL'
USER = 'REFERENCES "auth_user" ("id") DEFERRABLE'


def add_check(table: str, condition: str) -> None:
    """Add a CHECK called ``zz`` to the stored CREATE TABLE."""
    replace_in_schema(
        table, '"metadata" text', f'"metadata" text CONSTRAINT zz CHECK ({condition})'
    )


ADDITIONS = {
    "a column that requires a value": (
        lambda: replace_in_schema(TRANSFERS, AMOUNT, f"{AMOUNT}, zz integer NOT NULL"),
        (COLUMN, "transfers_transfer.zz"),
    ),
    "a column with another collation": (
        lambda: replace_in_schema(KEYS, '"key" varchar(255)', '"key" varchar(255) COLLATE NOCASE'),
        (COLUMN, f"{KEYS}.key"),
    ),
    "an id that isn't generated": (
        lambda: replace_in_schema(
            "accounts_accountchange", "PRIMARY KEY AUTOINCREMENT", "PRIMARY KEY"
        ),
        (COLUMN, "accounts_accountchange.id"),
    ),
    "a CHECK": (
        lambda: replace_in_schema(
            TRANSFERS, AMOUNT, f"{AMOUNT} CONSTRAINT zz CHECK (amount <> (777))"
        ),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a CHECK without a name": (
        lambda: replace_in_schema(TRANSFERS, AMOUNT, f"{AMOUNT} check(\"memo\" <> ')')"),
        (CONSTRAINT, "transfers_transfer.\"memo\" <> ')'"),
    ),
    "a CHECK on no column": (
        lambda: replace_in_schema(TRANSFERS, AMOUNT, f"{AMOUNT} CHECK (0)"),
        (CONSTRAINT, "transfers_transfer.0"),
    ),
    "a CHECK that names a column in other letters": (
        lambda: replace_in_schema(
            TRANSFERS, AMOUNT, f"{AMOUNT} CONSTRAINT zz CHECK (AMOUNT <> 777)"
        ),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a CHECK beside comments": (
        lambda: replace_in_schema(
            TRANSFERS, AMOUNT, f"{AMOUNT} CONSTRAINT [zz] CHECK/* ( */(amount <> 777 -- )\n)"
        ),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a CHECK that is only in a comment": (
        lambda: replace_in_schema(
            TRANSFERS,
            'CONSTRAINT "transfer_amount_within_bounds" CHECK (',
            'CONSTRAINT "transfer_amount_within_bounds" CHECK (1 OR ',
        ),
        (CONSTRAINT, "transfers_transfer.transfer_amount_within_bounds"),
    ),
    "a column whose default is NULL, which a CHECK refuses": (
        lambda: run(f"ALTER TABLE {TRANSFERS} ADD zz integer CONSTRAINT zz CHECK (zz IS NOT NULL)"),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a column whose default a CHECK refuses": (
        lambda: run(
            f"ALTER TABLE {TRANSFERS} ADD zz integer DEFAULT 5 CONSTRAINT zz CHECK (zz < 5)"
        ),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a column whose default fails": (
        lambda: replace_in_schema(
            TRANSFERS, AMOUNT, f"{AMOUNT}, zz integer DEFAULT (abs(-9223372036854775807 - 1))"
        ),
        (COLUMN, "transfers_transfer.zz"),
    ),
    "a column whose default doesn't exist in another table": (
        lambda: replace_in_schema(
            TRANSFERS, AMOUNT, f"{AMOUNT}, zz integer DEFAULT -1 REFERENCES auth_group (id)"
        ),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique key with a collation that ignores case": (
        lambda: run(f"CREATE UNIQUE INDEX zz ON {KEYS} (user_id, key COLLATE NOCASE)"),
        (CONSTRAINT, "idempotency_idempotencykey.zz"),
    ),
    "a unique column with the same default for all": (
        lambda: run(
            f"ALTER TABLE {TRANSFERS} ADD ext integer DEFAULT 5",
            f"CREATE UNIQUE INDEX zz ON {TRANSFERS} (ext)",
        ),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique expression that is the same for all": (
        lambda: run(
            f"ALTER TABLE {TRANSFERS} ADD ext text",
            f"CREATE UNIQUE INDEX zz ON {TRANSFERS} ((ext IS NULL) DESC)",
        ),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a second foreign key that deletes idempotency keys": (
        lambda: replace_in_schema(
            KEYS, USER, 'REFERENCES "auth_user" ("id") ON DELETE CASCADE ' + USER
        ),
        (CONSTRAINT, "idempotency_idempotencykey.user_id"),
    ),
    "a foreign key to another table": (
        lambda: replace_in_schema(TRANSFERS, AMOUNT, f"{AMOUNT} REFERENCES auth_group (id)"),
        (CONSTRAINT, "transfers_transfer.amount"),
    ),
    "an additional column whose foreign key deletes history": (
        lambda: run(
            f"ALTER TABLE {TRANSFERS} ADD event_id integer REFERENCES auth_group (id)"
            " ON DELETE CASCADE"
        ),
        (CONSTRAINT, "transfers_transfer.event_id"),
    ),
    "a unique key": (
        lambda: run("CREATE UNIQUE INDEX zz ON transfers_transfer (source_id, amount)"),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique key with a condition": (
        lambda: run("CREATE UNIQUE INDEX zz ON transfers_transfer (memo) WHERE memo <> ''"),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique key on an expression": (
        lambda: run(f"CREATE UNIQUE INDEX zz ON {KEYS} (lower(key), user_id)"),
        (CONSTRAINT, "idempotency_idempotencykey.zz"),
    ),
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_that_refuses_or_changes_rows_is_reported(name):
    add, *expected = ADDITIONS[name]

    with transaction.atomic():
        add()
        found = schema_findings()
        transaction.set_rollback(True)
    run("PRAGMA writable_schema = RESET")  # Makes SQLite read its schema again.

    assert found == expected
    assert schema_findings() == []


@pytest.mark.parametrize(("table", "condition"), REFUSING_CHECKS)
def test_a_check_that_refuses_what_the_models_allow_is_reported(table, condition):
    with transaction.atomic():
        add_check(table, condition)
        found = schema_findings()
        transaction.set_rollback(True)
    run("PRAGMA writable_schema = RESET")  # Makes SQLite read its schema again.

    assert found == [(CONSTRAINT, f"{table}.zz")]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("accounts_accountchange", "id"),
        ("events_event", "number"),
        ("token_blacklist_outstandingtoken", "id"),
        ("django_admin_log", "id"),
    ],
)
def test_ids_that_are_used_up_are_reported(client, table, column):
    run(
        f"DELETE FROM sqlite_sequence WHERE name = '{table}'",
        f"INSERT INTO sqlite_sequence VALUES ('{table}', 9223372036854775806)",
    )
    before = schema_findings(), client.get("/readyz").status_code
    run(f"UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = '{table}'")
    after = schema_findings(), client.get("/readyz").status_code

    # The API doesn't write to the admin's log, so that it is still ready.
    ready = 200 if table == "django_admin_log" else 503
    assert (before, after) == (([], 200), ([("schema_takes_writes", f"{table}.{column}")], ready))
    assert client.get("/readyz?for=reads").status_code == 200
