"""The audit convicts what a schema of SQLite's has beyond the models, if it refuses rows."""

import pytest
from django.db import transaction

from audit.tests.schema import COLUMN, CONSTRAINT, run, schema_findings
from audit.tests.test_sqlite_integrity_schema import reworded

pytestmark = pytest.mark.django_db

TRANSFERS, KEYS = "transfers_transfer", "idempotency_idempotencykey"
AMOUNT = '"amount" bigint NOT NULL'
USER = 'REFERENCES "auth_user" ("id") DEFERRABLE'

ADDITIONS = {
    "a column that must be given a value": (
        lambda: reworded(TRANSFERS, AMOUNT, f"{AMOUNT}, zz integer NOT NULL"),
        (COLUMN, "transfers_transfer.zz"),
    ),
    "a text that is compared in another way": (
        lambda: reworded(KEYS, '"key" varchar(255)', '"key" varchar(255) COLLATE NOCASE'),
        (COLUMN, KEYS),
    ),
    "an id that isn't counted": (
        lambda: reworded("accounts_accountchange", "PRIMARY KEY AUTOINCREMENT", "PRIMARY KEY"),
        (COLUMN, "accounts_accountchange.id"),
    ),
    "a CHECK": (
        lambda: reworded(TRANSFERS, AMOUNT, f"{AMOUNT} CONSTRAINT zz CHECK (amount <> (777))"),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a CHECK without a name": (
        lambda: reworded(TRANSFERS, AMOUNT, f"{AMOUNT} check(\"memo\" <> ')')"),
        (CONSTRAINT, "transfers_transfer.\"memo\" <> ')'"),
    ),
    "a CHECK of no column": (
        lambda: reworded(TRANSFERS, AMOUNT, f"{AMOUNT} CHECK (0)"),
        (CONSTRAINT, "transfers_transfer.0"),
    ),
    "a foreign key beside the right one that deletes keys": (
        lambda: reworded(KEYS, USER, 'REFERENCES "auth_user" ("id") ON DELETE CASCADE ' + USER),
        (CONSTRAINT, "idempotency_idempotencykey.user_id"),
    ),
    "a foreign key to another table": (
        lambda: reworded(TRANSFERS, AMOUNT, f"{AMOUNT} REFERENCES auth_group (id)"),
        (CONSTRAINT, "transfers_transfer.amount"),
    ),
    "a column whose foreign key deletes history": (
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
    "a unique key of some rows": (
        lambda: run("CREATE UNIQUE INDEX zz ON transfers_transfer (memo) WHERE memo <> ''"),
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique key of what is computed": (
        lambda: run(f"CREATE UNIQUE INDEX zz ON {KEYS} (lower(key), user_id)"),
        (CONSTRAINT, "idempotency_idempotencykey.zz"),
    ),
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_that_interferes_is_convicted_and_nothing_else(name):
    add, *expected = ADDITIONS[name]

    with transaction.atomic():
        add()
        found = schema_findings()
        transaction.set_rollback(True)
    run("PRAGMA writable_schema = RESET")  # SQLite reads its schema again.

    assert found == expected
    assert schema_findings() == []
