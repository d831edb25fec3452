"""The audit reports a SQLite schema that lacks something the models or guards have."""

import pytest
from django.db import connection, transaction

from audit.protection.checks import check_schema
from audit.tests.schema import BETWEEN, COLUMN, CONSTRAINT, GUARD, run, schema_findings

pytestmark = pytest.mark.django_db


def replace_in_schema(table: str, old: str, new: str, *indexes: str) -> None:
    """Replace text in the stored CREATE TABLE of a table, and delete indexes."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA writable_schema = ON")
        cursor.execute(
            "UPDATE sqlite_master SET sql = replace(sql, %s, %s) WHERE name = %s AND sql LIKE %s",
            [old, new, table, f"%{old}%"],
        )
        assert cursor.rowcount == 1
        for index in indexes:
            cursor.execute("DELETE FROM sqlite_master WHERE name = %s", [index])
        cursor.execute("PRAGMA writable_schema = RESET")


ALTERATIONS = {
    "a missing guard": (
        lambda: run("DROP TRIGGER entry_refuse_update"),
        (GUARD, "entry_refuse_update"),
    ),
    "a figure with a default": (
        lambda: replace_in_schema(
            "accounts_account",
            '"balance" bigint NOT NULL',
            '"balance" bigint DEFAULT 100 NOT NULL',
        ),
        (COLUMN, "accounts_account.balance"),
    ),
    "a time with another default": (
        lambda: replace_in_schema("accounts_account", "%f', 'NOW'", "%f', 'NOW', '+1 day'"),
        (COLUMN, "accounts_account.created_at"),
    ),
    "a text with another default": (
        lambda: replace_in_schema(
            "idempotency_idempotencykey",
            "\"relied_on\" text DEFAULT ''",
            "\"relied_on\" text DEFAULT 'own'",
        ),
        (COLUMN, "idempotency_idempotencykey.relied_on"),
    ),
    "another CHECK with the name of one that has another name now": (
        lambda: replace_in_schema(
            "accounts_account",
            'CONSTRAINT "account_version_not_negative" CHECK ("version" >= 0)',
            'CONSTRAINT zz CHECK ("version" >= 0),'
            ' CONSTRAINT "account_version_not_negative" CHECK ("version" <> 777)',
        ),
        (CONSTRAINT, "accounts_account.account_version_not_negative"),
    ),
    "a missing CHECK": (
        lambda: replace_in_schema(
            "accounts_account",
            'CONSTRAINT "account_version_not_negative" CHECK ("version" >= 0)',
            "CHECK (1)",
        ),
        (CONSTRAINT, "accounts_account.account_version_not_negative"),
    ),
    "a CHECK with the same name and another condition": (
        lambda: replace_in_schema("accounts_account", '("version" >= 0)', '("version" >= -1)'),
        (CONSTRAINT, "accounts_account.account_version_not_negative"),
    ),
    "a missing CHECK of a field type": (
        lambda: replace_in_schema(
            "idempotency_idempotencykey", '("response_status" >= 0)', '("response_status" >= -1)'
        ),
        (CONSTRAINT, "idempotency_idempotencykey.response_status"),
        (CONSTRAINT, 'idempotency_idempotencykey."response_status" >= -1'),
    ),
    "a missing unique key": (
        lambda: replace_in_schema(
            "transfers_transfer",
            "NULL UNIQUE REFERENCES",
            "NULL REFERENCES",
            "sqlite_autoindex_transfers_transfer_2",
            "sqlite_autoindex_transfers_transfer_3",
        ),
        (CONSTRAINT, "transfers_transfer.hold_id"),
        (CONSTRAINT, "transfers_transfer.reverses_id"),
    ),
    "a missing unique index": (
        lambda: run("DROP INDEX account_one_external_per_currency"),
        (CONSTRAINT, "accounts_account.account_one_external_per_currency"),
    ),
    "a unique index with another condition": (
        lambda: run(
            "DROP INDEX account_one_external_per_currency",
            "CREATE UNIQUE INDEX account_one_external_per_currency ON accounts_account (currency)"
            " WHERE kind = 'EXTERNAL' AND currency <> 'USD'",
        ),
        (CONSTRAINT, "accounts_account.account_one_external_per_currency"),
    ),
    "a missing foreign key": (
        lambda: replace_in_schema(
            "transfers_ledgerentry",
            'REFERENCES "transfers_transfer" ("id") DEFERRABLE INITIALLY DEFERRED',
            "",
        ),
        (CONSTRAINT, "transfers_ledgerentry.transfer_id"),
    ),
    "a foreign key to another column": (
        lambda: replace_in_schema(
            "transfers_transfer",
            'NULL UNIQUE REFERENCES "transfers_transfer" ("id")',
            'NULL UNIQUE REFERENCES "transfers_transfer" ("hold_id")',
        ),
        (CONSTRAINT, "transfers_transfer.hold_id"),
        (CONSTRAINT, "transfers_transfer.reverses_id"),
    ),
    "a key that deletes the earlier row": (
        lambda: replace_in_schema(
            "idempotency_idempotencykey",
            'UNIQUE ("key", "user_id")',
            'UNIQUE ("key", "user_id") ON CONFLICT REPLACE',
        ),
        (CONSTRAINT, "idempotency_idempotencykey"),
    ),
    "a webhook of any status": (
        lambda: replace_in_schema(
            "webhooks_endpoint", "IN ('ENABLED', 'DISABLED')", "IN ('ENABLED', 'DISABLED', '')"
        ),
        (CONSTRAINT, "webhooks_endpoint.endpoint_status_known"),
    ),
    "a CHECK that ignores rows": (
        lambda: replace_in_schema(
            "accounts_account",
            'CHECK ("version" >= 0)',
            'CHECK ("version" >= 0) on/**/conflict IGNORE',
        ),
        (CONSTRAINT, "accounts_account"),
    ),
    "a figure that is generated": (
        lambda: replace_in_schema(
            "transfers_transfer", '"amount" bigint NOT NULL', '"amount" bigint NOT NULL AS (5)'
        ),
        (COLUMN, "transfers_transfer.amount"),
    ),
    "a foreign key that deletes history": (
        lambda: replace_in_schema(
            "transfers_ledgerentry",
            'REFERENCES "transfers_transfer" ("id") DEFERRABLE',
            'REFERENCES "transfers_transfer" ("id") ON DELETE CASCADE DEFERRABLE',
        ),
        (CONSTRAINT, "transfers_ledgerentry.transfer_id"),
    ),
    "a missing NOT NULL": (
        lambda: replace_in_schema(
            "transfers_ledgerentry", '"amount" bigint NOT NULL', '"amount" bigint'
        ),
        (COLUMN, "transfers_ledgerentry.amount"),
    ),
    "a figure of another type": (
        lambda: replace_in_schema("transfers_ledgerentry", '"amount" bigint', '"amount" real'),
        (COLUMN, "transfers_ledgerentry.amount"),
    ),
    "a missing column": (
        lambda: run("ALTER TABLE idempotency_idempotencykey DROP path"),
        (COLUMN, "idempotency_idempotencykey.path"),
    ),
    "an additional trigger": (
        lambda: run(
            "CREATE TRIGGER gift AFTER INSERT ON accounts_accountchange BEGIN"
            " UPDATE accounts_account SET owner_name = 'x'; END"
        ),
        (BETWEEN, "accounts_accountchange"),
    ),
    "a missing table": (
        lambda: run("DROP TABLE idempotency_idempotencykey"),
        (COLUMN, "idempotency_idempotencykey"),
    ),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_of_the_schema_is_reported(name):
    alter, *expected = ALTERATIONS[name]
    with transaction.atomic():
        alter()
        found, reported = schema_findings(), check_schema(databases=["default"])
        transaction.set_rollback(True)
    run("PRAGMA writable_schema = RESET")  # Makes SQLite read its schema again.

    assert found == expected
    assert len(reported) == len([check for check, _ in expected if check != GUARD])
    assert schema_findings() == []


def test_a_view_in_place_of_a_table_is_reported():
    run(
        "ALTER TABLE accounts_accountchange RENAME TO real_changes",
        "CREATE VIEW accounts_accountchange AS SELECT * FROM real_changes",
    )

    assert (BETWEEN, "accounts_accountchange") in schema_findings()


@pytest.mark.parametrize(
    ("setting", "wrong", "right"),
    [
        ("recursive_triggers", "OFF", "ON"),
        ("ignore_check_constraints", "ON", "OFF"),
    ],
)
def test_a_setting_that_disables_enforcement_is_reported(setting, wrong, right):
    run(f"PRAGMA {setting} = {wrong}")
    try:
        assert schema_findings() == [("schema_is_enforced", f"PRAGMA {setting}")]
    finally:
        run(f"PRAGMA {setting} = {right}")


@pytest.mark.django_db(transaction=True)
def test_disabled_foreign_keys_are_reported():
    run("PRAGMA foreign_keys = OFF")  # This has no effect in a transaction.
    try:
        assert schema_findings() == [("schema_is_enforced", "PRAGMA foreign_keys")]
    finally:
        run("PRAGMA foreign_keys = ON")
