"""The audit reports additions to a PostgreSQL schema that refuse or change rows."""

import pytest
from django.db import connection

from accounts import services as accounts
from audit.tests.schema import COLUMN, CONSTRAINT, REFUSING_CHECKS, run, schema_findings

pytestmark = pytest.mark.django_db

TRANSFERS = "ALTER TABLE transfers_transfer"
CHANGES = "ALTER TABLE accounts_accountchange"
KEYS = "ALTER TABLE idempotency_idempotencykey"

ADDITIONS = {
    "a column that requires a value": (
        [f"{TRANSFERS} ADD zz int NOT NULL DEFAULT 1", f"{TRANSFERS} ALTER zz DROP DEFAULT"],
        (COLUMN, "transfers_transfer.zz"),
    ),
    "a column whose type is NOT NULL": (
        ["CREATE DOMAIN needed AS int NOT NULL", f"{KEYS} ADD zz needed"],
        (COLUMN, "idempotency_idempotencykey.zz"),
    ),
    "a column whose default is NULL, which a CHECK refuses": (
        [f"{TRANSFERS} ADD zz int CONSTRAINT zz CHECK (zz IS NOT NULL)"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a column whose default a CHECK refuses": (
        [f"{TRANSFERS} ADD zz int DEFAULT 5 CONSTRAINT zz CHECK (zz < 5)"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a column whose default fails": (
        [f"{TRANSFERS} ADD zz int", f"{TRANSFERS} ALTER zz SET DEFAULT 1 / length('')"],
        (COLUMN, "transfers_transfer.zz"),
    ),
    "a column whose type refuses NULL": (
        ["CREATE DOMAIN needed AS int CHECK (value IS NOT NULL)", f"{TRANSFERS} ADD zz needed"],
        (COLUMN, "transfers_transfer.zz"),
    ),
    "a column whose default doesn't have its type": (
        [
            "CREATE DOMAIN small AS int CHECK (value < 5)",
            f"{TRANSFERS} ADD zz small",
            f"{TRANSFERS} ALTER zz SET DEFAULT 7",
        ],
        (COLUMN, "transfers_transfer.zz"),
    ),
    "a column whose default doesn't exist in another table": (
        [
            f"{TRANSFERS} ADD zz int DEFAULT -1",
            f"{TRANSFERS} ADD CONSTRAINT zz FOREIGN KEY (zz) REFERENCES auth_group",
        ],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique column with the same default for all": (
        [f"{TRANSFERS} ADD zz int DEFAULT 5 CONSTRAINT zz UNIQUE"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique expression that is the same for all": (
        [
            f"{TRANSFERS} ADD ext text",
            "CREATE UNIQUE INDEX zz ON transfers_transfer ((ext IS NULL))",
        ],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique key on a generated column": (
        [f"{TRANSFERS} ADD zz bigint GENERATED ALWAYS AS (amount % 7) STORED CONSTRAINT zz UNIQUE"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a column with another collation": (
        [
            f'{KEYS} ALTER key TYPE varchar(255) COLLATE "C"',
        ],
        (COLUMN, "idempotency_idempotencykey.key"),
    ),
    "a CHECK": (
        [f"{TRANSFERS} ADD CONSTRAINT zz CHECK (amount <> 777)"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a CHECK on new rows only": (
        [f"{TRANSFERS} ADD CONSTRAINT zz CHECK (amount <> 777) NOT VALID"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a CHECK on no column": (
        [f"{TRANSFERS} ADD CONSTRAINT zz CHECK (false) NOT VALID"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a second foreign key that deletes idempotency keys": (
        [
            f"{KEYS} ADD CONSTRAINT zz FOREIGN KEY (user_id) REFERENCES auth_user (id)"
            " ON DELETE CASCADE"
        ],
        (CONSTRAINT, "idempotency_idempotencykey.zz"),
    ),
    "a second foreign key that sets a column to NULL": (
        [
            f"{TRANSFERS} ADD CONSTRAINT zz FOREIGN KEY (created_by_id) REFERENCES auth_user (id)"
            " ON DELETE SET NULL"
        ],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a foreign key to another table": (
        [
            "CREATE TABLE allowed (id bigint PRIMARY KEY)",
            f"{TRANSFERS} ADD CONSTRAINT zz FOREIGN KEY (amount) REFERENCES allowed NOT VALID",
        ],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "an additional column whose foreign key deletes history": (
        [
            f"{TRANSFERS} ADD event_id integer CONSTRAINT zz REFERENCES auth_group (id)"
            " ON DELETE CASCADE"
        ],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique key": (
        ["CREATE UNIQUE INDEX zz ON transfers_transfer (source_id, amount)"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique key with a condition": (
        ["CREATE UNIQUE INDEX zz ON transfers_transfer (memo) WHERE memo <> ''"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique key on an expression": (
        ["CREATE UNIQUE INDEX zz ON idempotency_idempotencykey (lower(key), user_id)"],
        (CONSTRAINT, "idempotency_idempotencykey.zz"),
    ),
    "an exclusion constraint": (
        [f"{TRANSFERS} ADD CONSTRAINT zz EXCLUDE (memo WITH =)"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "an id that isn't generated": (
        [f"{CHANGES} ALTER id DROP IDENTITY"],
        (COLUMN, "accounts_accountchange.id"),
    ),
    "an id that counts down": (
        [f"{CHANGES} ALTER id SET INCREMENT BY -1"],
        (COLUMN, "accounts_accountchange.id"),
    ),
    "an id with a maximum": (
        [f"{CHANGES} ALTER id SET MAXVALUE {2**40}"],
        (COLUMN, "accounts_accountchange.id"),
    ),
    "an id of which each connection takes a range": (
        [f"{CHANGES} ALTER id SET CACHE 20"],
        (COLUMN, "accounts_accountchange.id"),
    ),
    "an id that cycles": (
        [f"{CHANGES} ALTER id SET CYCLE"],
        (COLUMN, "accounts_accountchange.id"),
    ),
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_that_refuses_or_changes_rows_is_reported(name):
    statements, *expected = ADDITIONS[name]

    run("SET CONSTRAINTS ALL IMMEDIATE", *statements)

    assert schema_findings() == expected


@pytest.mark.parametrize(("table", "condition"), REFUSING_CHECKS)
def test_a_check_that_refuses_what_the_models_allow_is_reported(table, condition):
    # On new rows only, because the EXTERNAL accounts violate one of these.
    run(f"ALTER TABLE {table} ADD CONSTRAINT zz CHECK ({condition}) NOT VALID")

    assert schema_findings() == [(CONSTRAINT, f"{table}.zz")]


def test_a_sequence_behind_the_largest_id_is_reported(alice, funded_account, staff):
    account = funded_account(alice)
    for change in (accounts.freeze, accounts.unfreeze, accounts.freeze):
        change(account_id=account.pk, actor=staff)
    run("SET CONSTRAINTS ALL IMMEDIATE", f"{CHANGES} ALTER id RESTART WITH 1")
    unused = schema_findings()
    run("SELECT nextval(pg_get_serial_sequence('accounts_accountchange', 'id'))")

    assert (unused, schema_findings()) == ([(COLUMN, "accounts_accountchange.id")],) * 2


def test_a_unique_key_that_treats_nulls_as_equal_is_reported():
    if connection.pg_version < 150000:
        pytest.skip("NULLS NOT DISTINCT requires PostgreSQL 15.")
    run("CREATE UNIQUE INDEX zz ON transfers_transfer (hold_id) NULLS NOT DISTINCT")

    assert schema_findings() == [(CONSTRAINT, "transfers_transfer.zz")]
