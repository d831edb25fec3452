"""Undo what a test with real commits has written, like ``flush``, but without its costs."""

import sqlite3
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import TransactionTestCase

from accounts.models import ensure_external_accounts
from database import guards

# What `migrate` writes, which is expensive to write again and which tests rarely change. None of
# these tables refers to one that is emptied.
KEPT = ("django_content_type", "auth_permission", "auth_group", "auth_group_permissions")

Rows = dict[str, list[tuple[Any, ...]]]
Teardown = Callable[[TransactionTestCase], None]


def emptying() -> Teardown:
    """
    Return what replaces ``TransactionTestCase._fixture_teardown``.

    It leaves the database as it is now: with the tables, rows and guards that ``migrate`` creates.
    """
    return _copying_back() if connection.vendor == "sqlite" else _truncating()


def _copying_back() -> Teardown:
    """On SQLite, copy the pages of the whole database back, which takes a few milliseconds."""
    migrated = sqlite3.connect(":memory:", check_same_thread=False)
    connection.ensure_connection()
    connection.connection.backup(migrated)

    def copy_back(case: TransactionTestCase) -> None:
        connection.ensure_connection()
        migrated.backup(connection.connection)

    return copy_back


def _truncating() -> Teardown:
    """
    On PostgreSQL, empty the tables.

    After a test that changed the kept tables, Django's ``flush`` empties these too, and
    ``post_migrate`` fills them again.
    """
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    expected = kept_rows()

    def empty(case: TransactionTestCase) -> None:
        nonlocal expected
        if kept_rows() != expected:
            # The guards refuse to empty their tables. `post_migrate` installs them again.
            guards.drop(connection)
            flush(case)
            expected = kept_rows()
            return
        _truncate_all_but_kept()
        ensure_external_accounts()
        # Those that the test dropped, disabled or altered.
        guards.install(connection)

    return empty


def kept_rows() -> Rows:
    """Return the rows of the tables that aren't emptied."""
    rows = {}
    with connection.cursor() as cursor:
        for table in KEPT:
            cursor.execute(f"SELECT * FROM {table} ORDER BY id")
            rows[table] = cursor.fetchall()
    return rows


def _truncate_all_but_kept() -> None:
    tables = set(connection.introspection.django_table_names(only_existing=True)) - set(KEPT)
    watched = {table for each in guards.SETS for table in each.tables.values()}
    names = ", ".join(f'"{table}"' for table in sorted(tables))
    connection.ops.execute_sql_flush(
        [
            *(f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table in sorted(watched)),
            f"TRUNCATE {names}",
            *(f'ALTER TABLE "{table}" ENABLE TRIGGER USER' for table in sorted(watched)),
        ]
    )
