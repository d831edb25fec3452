"""
The SQL that makes the database itself refuse a broken book.

One file is one guard: a trigger of the file's name, with the function that it calls. They are
installed by a migration and again after each ``migrate``, because SQLite drops triggers silently
when Django remakes a table. PostgreSQL has them all; SQLite refuses edits and deletes.

On PostgreSQL a guard searches ``pg_catalog`` alone, and names whatever else it uses with its
schema. Whoever may create a table or an operator could otherwise put one in the way that the guard
would take for the real one.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

HERE = Path(__file__).parent

# The table that each guard watches. A name says which.
TABLE_OF = {
    "account": "accounts_account",
    "change": "accounts_accountchange",
    "transfer": "transfers_transfer",
    "entry": "transfers_ledgerentry",
}


def names(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the guards that this database should have."""
    return sorted(path.stem for path in (HERE / connection.vendor).glob("*.sql"))


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the guards that aren't there, or aren't as in their file."""
    installed = _installed(connection)
    return [name for name in names(connection) if installed.get(name) != _mark(connection, name)]


def install(connection: BaseDatabaseWrapper) -> list[str]:
    """
    Install the guards that are missing, and return their names.

    Only those: making a trigger takes an exclusive lock on its table.
    """
    absent = missing(connection)
    for name in absent:
        with _own_names_only(connection) as cursor:
            for statement in _drop_statements(connection, name):
                cursor.execute(statement)
            cursor.execute(_sql(connection, name))
            if connection.vendor == "postgresql":
                comment = _digest(_sql(connection, name))
                cursor.execute(f"COMMENT ON TRIGGER {name} ON {_table(name)} IS '{comment}'")
    return absent


def drop(connection: BaseDatabaseWrapper, *only: str) -> None:
    """Drop the guards: all of them, or only those named."""
    with connection.cursor() as cursor:
        for name in only or names(connection):
            for statement in _drop_statements(connection, name):
                cursor.execute(statement)


def tables_exist(connection: BaseDatabaseWrapper) -> bool:
    """Whether every table that a guard watches is there."""
    return set(TABLE_OF.values()) <= set(connection.introspection.table_names())


@contextmanager
def _own_names_only(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """Yield a cursor, in a transaction, that finds PostgreSQL's own names and no others."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            yield cursor
            return
        cursor.execute("SHOW search_path")
        [usual] = cursor.fetchone()
        cursor.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        yield cursor
        # The caller's transaction may go on. (After an error it goes back to before all this.)
        cursor.execute("SELECT set_config('search_path', %s, true)", [usual])


def _sql(connection: BaseDatabaseWrapper, name: str) -> str:
    return (HERE / connection.vendor / f"{name}.sql").read_text()


def _table(name: str) -> str:
    return f"public.{TABLE_OF[name.partition('_')[0]]}"


def _mark(connection: BaseDatabaseWrapper, name: str) -> str:
    """Return what tells an installed guard from another version of it."""
    sql = _sql(connection, name)
    if connection.vendor == "sqlite":
        return sql.strip()  # SQLite keeps the text of a trigger.
    # PostgreSQL keeps the comment on a trigger, and the text of the function that it calls.
    function = sql.partition("$$")[2].partition("$$")[0]
    return _digest(sql) + hashlib.md5(function.encode()).hexdigest()


def _digest(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()


def _installed(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        else:
            # A trigger that was switched off (ALTER TABLE ... DISABLE TRIGGER) guards nothing.
            cursor.execute(
                "SELECT tgname, obj_description(trigger.oid, 'pg_trigger') || md5(prosrc)"
                " FROM pg_trigger trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
                " WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
                " AND pg_table_is_visible(tgrelid)"
            )
        return dict(cursor.fetchall())


def _drop_statements(connection: BaseDatabaseWrapper, name: str) -> list[str]:
    if connection.vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}"]
    return [f"DROP TRIGGER IF EXISTS {name} ON {_table(name)}"]
