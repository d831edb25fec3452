"""The audit convicts what a schema has beyond the models, if it refuses or changes rows."""

import pytest
from django.db import connection

from accounts import services as accounts
from audit.tests.schema import COLUMN, CONSTRAINT, run, schema_findings

pytestmark = pytest.mark.django_db

TRANSFERS = "ALTER TABLE transfers_transfer"
CHANGES = "ALTER TABLE accounts_accountchange"
KEYS = "ALTER TABLE idempotency_idempotencykey"

ADDITIONS = {
    "a column that must be given a value": (
        [f"{TRANSFERS} ADD zz int NOT NULL DEFAULT 1", f"{TRANSFERS} ALTER zz DROP DEFAULT"],
        (COLUMN, "transfers_transfer.zz"),
    ),
    "a column of a type that is NOT NULL": (
        ["CREATE DOMAIN needed AS int NOT NULL", f"{KEYS} ADD zz needed"],
        (COLUMN, "idempotency_idempotencykey.zz"),
    ),
    "a text that is compared in another way": (
        [
            f'{KEYS} ALTER key TYPE varchar(255) COLLATE "C"',
        ],
        (COLUMN, "idempotency_idempotencykey.key"),
    ),
    "a CHECK": (
        [f"{TRANSFERS} ADD CONSTRAINT zz CHECK (amount <> 777)"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a CHECK of new rows alone": (
        [f"{TRANSFERS} ADD CONSTRAINT zz CHECK (amount <> 777) NOT VALID"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a CHECK of no column": (
        [f"{TRANSFERS} ADD CONSTRAINT zz CHECK (false) NOT VALID"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a foreign key beside the right one that deletes keys": (
        [
            f"{KEYS} ADD CONSTRAINT zz FOREIGN KEY (user_id) REFERENCES auth_user (id)"
            " ON DELETE CASCADE"
        ],
        (CONSTRAINT, "idempotency_idempotencykey.zz"),
    ),
    "a foreign key beside the right one that empties a column": (
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
    "a column whose foreign key deletes history": (
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
    "a unique key of some rows": (
        ["CREATE UNIQUE INDEX zz ON transfers_transfer (memo) WHERE memo <> ''"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "a unique key of what is computed": (
        ["CREATE UNIQUE INDEX zz ON idempotency_idempotencykey (lower(key), user_id)"],
        (CONSTRAINT, "idempotency_idempotencykey.zz"),
    ),
    "rows that exclude each other": (
        [f"{TRANSFERS} ADD CONSTRAINT zz EXCLUDE (memo WITH =)"],
        (CONSTRAINT, "transfers_transfer.zz"),
    ),
    "an id that isn't counted": (
        [f"{CHANGES} ALTER id DROP IDENTITY"],
        (COLUMN, "accounts_accountchange.id"),
    ),
    "an id that is counted down": (
        [f"{CHANGES} ALTER id SET INCREMENT BY -1"],
        (COLUMN, "accounts_accountchange.id"),
    ),
    "an id that comes to an end": (
        [f"{CHANGES} ALTER id SET MAXVALUE 1000"],
        (COLUMN, "accounts_accountchange.id"),
    ),
    "an id that begins again": (
        [f"{CHANGES} ALTER id SET CYCLE"],
        (COLUMN, "accounts_accountchange.id"),
    ),
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_that_interferes_is_convicted_and_nothing_else(name):
    statements, *expected = ADDITIONS[name]

    run("SET CONSTRAINTS ALL IMMEDIATE", *statements)

    assert schema_findings() == expected


def test_an_id_that_would_be_given_out_twice_is_convicted(alice, funded_account, staff):
    account = funded_account(alice)
    for change in (accounts.freeze, accounts.unfreeze, accounts.freeze):
        change(account_id=account.pk, actor=staff)
    run("SET CONSTRAINTS ALL IMMEDIATE", f"{CHANGES} ALTER id RESTART WITH 1")
    unused = schema_findings()
    run("SELECT nextval(pg_get_serial_sequence('accounts_accountchange', 'id'))")

    assert (unused, schema_findings()) == ([(COLUMN, "accounts_accountchange.id")],) * 2


def test_a_unique_key_that_takes_two_nulls_for_the_same_is_convicted():
    if connection.pg_version < 150000:
        pytest.skip("PostgreSQL 15 is the first that has it.")
    run("CREATE UNIQUE INDEX zz ON transfers_transfer (hold_id) NULLS NOT DISTINCT")

    assert schema_findings() == [(CONSTRAINT, "transfers_transfer.zz")]
