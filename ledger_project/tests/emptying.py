"""Undo what a test with real commits has written, like ``flush``, but without its costs."""

import sqlite3
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.test import TransactionTestCase

from accounts.models import ensure_external_accounts
from database import guards

# What `migrate` writes, which is expensive to write again and which tests rarely change. None of
# these tables refers to one that is emptied.
KEPT = ("django_content_type", "auth_permission", "auth_group", "auth_group_permissions")

# In bytes. If a table is larger, TRUNCATE is used, which takes 20 times as long as DELETE for the
# few rows of most tests, but leaves no dead rows behind.
LARGE = 2**18

Rows = dict[str, list[tuple[Any, ...]]]
Teardown = Callable[[TransactionTestCase], None]


def emptying() -> Teardown:
    """
    Return what replaces ``TransactionTestCase._fixture_teardown``.

    It leaves the database as it is now: with the tables, rows and guards that ``migrate`` creates.
    """
    return _copying_back() if connection.vendor == "sqlite" else _deleting()


def _copying_back() -> Teardown:
    """On SQLite, copy the pages of the whole database back, which takes a few milliseconds."""
    migrated = sqlite3.connect(":memory:", check_same_thread=False)
    connection.ensure_connection()
    connection.connection.backup(migrated)

    def copy_back(case: TransactionTestCase) -> None:
        connection.ensure_connection()
        migrated.backup(connection.connection)

    return copy_back


def _deleting() -> Teardown:
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
        _empty_all_but_kept()
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


def _empty_all_but_kept() -> None:
    tables = set(connection.introspection.django_table_names(only_existing=True)) - set(KEPT)
    names = [f'"{table}"' for table in sorted(tables)]
    watched = {table for each in guards.SETS for table in each.tables.values()}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT max(pg_relation_size(t)) FROM unnest(%s::regclass[]) t", [names])
        [largest] = cursor.fetchone()
        for table in sorted(watched):
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        if largest > LARGE:
            cursor.execute(f"TRUNCATE {', '.join(names)}")
        else:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute(";".join(f"DELETE FROM {name}" for name in names))
            # A table can't be altered while deferred triggers are pending.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in sorted(watched):
            cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')
