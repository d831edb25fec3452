"""
The SQL that makes the database itself refuse a broken book.

One file is one guard: a trigger of the file's name, with the function that it calls. A file in
``SHARED`` is a guard of each of several tables. Guards are installed after each ``migrate``, and by
no migration: a numbered migration would run today's SQL on yesterday's tables, and SQLite drops
triggers silently when Django remakes a table. SQLite has those that need no look at a whole
posting.

On PostgreSQL a guard searches ``pg_catalog`` alone, and names whatever else it uses with the schema
of the ledger's tables, which ``{schema}`` stands for in its file. Whoever may create a table or an
operator could otherwise put one in the way that the guard would take for the real one.

The guards repeat the rules of the engine and of ``transfers/kinds.py`` on purpose, and read nothing
from there: they refuse what a mistake in the engine would write.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

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

# The files that several tables share. In them ``{table}`` stands for the table, and ``{name}`` for
# the name of its guard, such as ``entry_append_only``.
HISTORY = ("change", "entry", "transfer")
SHARED = {
    "append_only": HISTORY,
    "refuse_delete": HISTORY,
    "refuse_update": HISTORY,
    "not_truncated": tuple(TABLE_OF),
}


class Installed(NamedTuple):
    """A trigger as the database has it. PostgreSQL keeps its seal as its comment."""

    definition: str
    seal: str | None


def names(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the guards that this database should have."""
    return names_on(connection.vendor)


def names_on(vendor: str) -> list[str]:
    """Return the names of the guards of a kind of database, such as ``sqlite``."""
    files = [path.stem for path in (HERE / vendor).glob("*.sql")]
    shared = [f"{noun}_{file}" for file in files for noun in SHARED.get(file, ())]
    return sorted([*shared, *(file for file in files if file not in SHARED)])


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """
    Return the guards that aren't there, or were altered, or aren't as in their file.

    (An upgrade of PostgreSQL may word a definition in another way. It then counts as altered.)
    """
    installed, schema = _installed(connection), schema_of(connection)
    return [
        name
        for name in names(connection)
        if not _is_intact(
            _sql(connection, name, schema), installed.get((_table(name, schema), name))
        )
    ]


def install(connection: BaseDatabaseWrapper) -> list[str]:
    """
    Install the guards that are missing, and return their names.

    Only those: making a trigger takes an exclusive lock on its table.
    """
    absent, schema = missing(connection), schema_of(connection)
    for name in absent:
        sql, table = _sql(connection, name, schema), _table(name, schema)
        with own_names_only(connection) as cursor:
            cursor.execute(_drop(name, schema))
            cursor.execute(sql)
            if connection.vendor == "postgresql":
                seal = _seal(sql, _installed(connection)[table, name].definition)
                cursor.execute(f"COMMENT ON TRIGGER {name} ON {table} IS '{seal}'")
    return absent


def drop(connection: BaseDatabaseWrapper, *only: str) -> None:
    """Drop the guards: all of them, or only those named."""
    schema = schema_of(connection)
    with connection.cursor() as cursor:
        for name in only or names(connection):
            cursor.execute(_drop(name, schema))


def table_of(connection: BaseDatabaseWrapper, name: str) -> str:
    """Return the table that a guard watches, on PostgreSQL with its schema."""
    return _table(name, schema_of(connection))


def tables_exist(connection: BaseDatabaseWrapper) -> bool:
    """Whether every table that a guard watches is there."""
    return set(TABLE_OF.values()) <= set(connection.introspection.table_names())


@contextmanager
def own_names_only(connection: BaseDatabaseWrapper) -> Iterator[Any]:
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


def schema_of(connection: BaseDatabaseWrapper) -> str:
    """
    Return the schema of the ledger's tables, quoted where it needs to be; on SQLite "".

    It is where this connection finds them, or would make them.
    """
    if connection.vendor == "sqlite":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_catalog.to_regclass(%s)::oid, pg_catalog.current_schema()",
            [TABLE_OF["account"]],
        )
        table, default = cursor.fetchone()
    with own_names_only(connection) as cursor:
        cursor.execute(
            "SELECT quote_ident(coalesce((SELECT nspname::text FROM pg_class, pg_namespace space"
            " WHERE pg_class.oid = %s AND space.oid = relnamespace), %s))",
            [table, default],
        )
        return cursor.fetchone()[0]


def _table(name: str, schema: str) -> str:
    table = TABLE_OF[name.partition("_")[0]]
    return f"{schema}.{table}" if schema else table


def _sql(connection: BaseDatabaseWrapper, name: str, schema: str) -> str:
    noun, _, rest = name.partition("_")
    file = rest if rest in SHARED else name
    sql = (HERE / connection.vendor / f"{file}.sql").read_text()
    sql = sql.replace("{name}", name).replace("{table}", TABLE_OF[noun])
    return sql.replace("{schema}", schema)


def _installed(connection: BaseDatabaseWrapper) -> dict[tuple[str, str], Installed]:
    """Return the triggers that are switched on, by table and name."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tbl_name, name, sql, NULL FROM sqlite_master WHERE type = 'trigger'"
            )
            found = cursor.fetchall()
    else:
        with own_names_only(connection) as cursor:
            cursor.execute(
                "SELECT tgrelid::regclass::text, tgname,"
                " pg_get_triggerdef(guard.oid) || pg_get_functiondef(tgfoid),"
                " obj_description(guard.oid, 'pg_trigger')"
                " FROM pg_trigger guard WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
            )
            found = cursor.fetchall()
    return {(table, name): Installed(*rest) for table, name, *rest in found}


def _is_intact(sql: str, found: Installed | None) -> bool:
    if found is None:
        return False
    if found.seal is None:
        return found.definition == sql.strip()  # SQLite keeps the text of a trigger.
    return found.seal == _seal(sql, found.definition)


def _seal(sql: str, definition: str) -> str:
    """Return a digest of a guard's file and of what PostgreSQL made of it."""
    return hashlib.sha256(f"{sql}{definition}".encode()).hexdigest()


def _drop(name: str, schema: str) -> str:
    return f"DROP TRIGGER IF EXISTS {name}" + (f" ON {_table(name, schema)}" if schema else "")
