"""The audit doesn't report changes to a SQLite schema that refuse and change no rows."""

import sqlite3
from contextlib import closing

import pytest
from django.db import connection, transaction

from audit.tests.schema import WEAKER_CHECKS, run, schema_findings
from audit.tests.test_sqlite_integrity_additions import add_check

pytestmark = pytest.mark.django_db

TRANSFERS = "ALTER TABLE transfers_transfer ADD"
HARMLESS = {
    "an additional index": ["CREATE INDEX more ON transfers_transfer (created_at)"],
    "an additional column": [f"{TRANSFERS} note text CHECK (note <> '(')"],
    "an additional column with a foreign key": [
        f"{TRANSFERS} event_id integer REFERENCES auth_group (id)"
    ],
    "a unique key on an additional column": [
        f"{TRANSFERS} note text",
        "CREATE UNIQUE INDEX once ON transfers_transfer (note)",
    ],
    "more columns in a unique key": [
        "CREATE UNIQUE INDEX twice ON transfers_ledgerentry (account_id, sequence, ts)",
        "CREATE UNIQUE INDEX thrice ON transfers_transfer (id, lower(memo))",
    ],
    "an additional column with another collation": [
        f"{TRANSFERS} ext text COLLATE NOCASE",
        "CREATE UNIQUE INDEX once ON transfers_transfer (ext)",
    ],
    "texts with words of SQL": [
        f"{TRANSFERS} ext text DEFAULT 'collate nocase'",
        f"{TRANSFERS} two text DEFAULT 'CHECK (balance = 0)'",
        f"{TRANSFERS} three text CHECK (three IN ('amount', 'memo', 'CHECK (0)'))",
        f'{TRANSFERS} "check (0)" text /* CHECK (amount = 0) */',
    ],
    "a unique expression on an additional column": [
        f"{TRANSFERS} ext text",
        "CREATE UNIQUE INDEX once ON transfers_transfer (lower(ext) DESC)",
    ],
    "a unique key with an additional column that is NULL": [
        f"{TRANSFERS} ext text",
        "CREATE UNIQUE INDEX once ON transfers_transfer (ext, source_id) WHERE ext IS NOT NULL",
        "CREATE UNIQUE INDEX twice ON transfers_transfer (source_id, upper(ext))",
    ],
    "a unique key for rows with another value than the default": [
        f"{TRANSFERS} state integer NOT NULL DEFAULT 0 CHECK (state >= 0)",
        "CREATE UNIQUE INDEX once ON transfers_transfer (source_id, state) WHERE state > 0",
    ],
    "the usual reaction to a conflict": [
        f"{TRANSFERS} ext text NOT NULL ON CONFLICT ABORT DEFAULT 'x' CHECK (ext <> 'on conflict')"
    ],
    "an additional generated column": [f"{TRANSFERS} words text AS (lower(memo))"],
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_difference_is_not_reported(name):
    run(*HARMLESS[name])

    assert schema_findings() == []


@pytest.mark.parametrize(("table", "condition"), WEAKER_CHECKS)
def test_a_check_that_the_models_imply_is_not_reported(table, condition):
    with transaction.atomic():
        add_check(table, condition)
        found = schema_findings()
        transaction.set_rollback(True)
    run("PRAGMA writable_schema = RESET")  # Makes SQLite read its schema again.

    assert found == []


@pytest.mark.django_db(transaction=True)
def test_the_audit_of_an_additional_column_does_not_wait_for_the_write_lock():
    run(*HARMLESS["a unique expression on an additional column"])
    try:
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as writer:
            writer.execute("BEGIN IMMEDIATE")

            assert schema_findings() == []
    finally:
        run("DROP INDEX once", "ALTER TABLE transfers_transfer DROP ext")
