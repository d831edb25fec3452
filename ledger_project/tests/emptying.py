"""Empty the tables after a test with real commits, like ``flush``, but without its costs."""

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


def kept_rows() -> Rows:
    """Return the rows of the tables that aren't emptied."""
    rows = {}
    with connection.cursor() as cursor:
        for table in KEPT:
            cursor.execute(f"SELECT * FROM {table} ORDER BY id")
            rows[table] = cursor.fetchall()
    return rows


def emptying(expected: Rows) -> Callable[[TransactionTestCase], None]:
    """
    Return what replaces ``TransactionTestCase._fixture_teardown``.

    :param expected: the rows of the kept tables. After a test that changed them, Django's ``flush``
        empties these tables too, and ``post_migrate`` fills them again.
    """
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def empty(case: TransactionTestCase) -> None:
        if kept_rows() != expected:
            # The guards refuse to empty their tables. `post_migrate` installs them again.
            guards.drop(connection)
            flush(case)
            expected.update(kept_rows())
            return
        _empty_all_but_kept()
        ensure_external_accounts()
        # Those that the test dropped, disabled or altered, and on SQLite all of them.
        guards.install(connection)

    return empty


def _empty_all_but_kept() -> None:
    tables = set(connection.introspection.django_table_names(only_existing=True)) - set(KEPT)
    watched = {table for each in guards.SETS for table in each.tables.values()}
    if connection.vendor == "sqlite":
        guards.drop(connection)
        connection.ops.execute_sql_flush([f'DELETE FROM "{table}"' for table in sorted(tables)])
        return
    names = ", ".join(f'"{table}"' for table in sorted(tables))
    connection.ops.execute_sql_flush(
        [
            *(f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table in sorted(watched)),
            f"TRUNCATE {names}",
            *(f'ALTER TABLE "{table}" ENABLE TRIGGER USER' for table in sorted(watched)),
        ]
    )
