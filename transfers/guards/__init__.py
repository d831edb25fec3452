"""
Database triggers that refuse rows which would break the ledger.

Each SQL file is one guard: a trigger named after the file and, on PostgreSQL, the function that it
calls. A file listed in ``SHARED`` is installed once for each of several tables. SQLite has only the
guards that don't have to look at a whole posting.

Guards are installed after every ``migrate`` rather than by a migration. An old migration would run
the current SQL on an outdated schema, and SQLite silently drops the triggers of a table that Django
rebuilds.

On PostgreSQL, the functions search only ``pg_catalog`` and qualify all other names with the schema
of the ledger's tables (``{schema}`` in the files). Otherwise, a user who may create tables or
operators could shadow the ones that a guard uses.

The guards deliberately repeat the rules of the engine and of ``transfers/kinds.py`` without
importing them, so that they refuse what a bug in the engine would write.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

HERE = Path(__file__).parent

# The table that each guard watches, by the first word of the guard's name.
TABLE_OF = {
    "account": "accounts_account",
    "change": "accounts_accountchange",
    "transfer": "transfers_transfer",
    "entry": "transfers_ledgerentry",
}

# The files that are installed for several tables. In them ``{table}`` stands for the table, and
# ``{name}`` for the name of the guard, such as ``entry_append_only``.
HISTORY = ("change", "entry", "transfer")
SHARED = {
    "append_only": HISTORY,
    "refuse_delete": HISTORY,
    "refuse_update": HISTORY,
    "not_truncated": tuple(TABLE_OF),
}


class Installed(NamedTuple):
    """A trigger in the database. On PostgreSQL its seal (see ``_seal``) is stored as a comment."""

    definition: str
    seal: str | None


def names(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the guards that this database should have."""
    return names_on(connection.vendor)


def names_on(vendor: str) -> list[str]:
    """Return the names of the guards for a database vendor: ``sqlite`` or ``postgresql``."""
    files = [path.stem for path in (HERE / vendor).glob("*.sql")]
    shared = [f"{noun}_{file}" for file in files for noun in SHARED.get(file, ())]
    return sorted([*shared, *(file for file in files if file not in SHARED)])


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """
    Return the names of the guards that are missing, disabled, altered or outdated.

    An upgrade of PostgreSQL may change how it prints a definition. The guard then counts as
    altered, and is installed again.
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

    The others are left alone, because creating a trigger takes an exclusive lock on its table.
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
    """Drop the named guards, or all of them if none are named."""
    schema = schema_of(connection)
    with connection.cursor() as cursor:
        for name in only or names(connection):
            cursor.execute(_drop(name, schema))


def tables_exist(connection: BaseDatabaseWrapper) -> bool:
    """Return whether all the tables that guards watch exist."""
    return set(TABLE_OF.values()) <= set(connection.introspection.table_names())


@contextmanager
def own_names_only(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """
    Yield a cursor in a transaction in which PostgreSQL resolves only names of ``pg_catalog``.

    On SQLite, yield an ordinary cursor in a transaction.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            yield cursor
            return
        cursor.execute("SHOW search_path")
        [usual] = cursor.fetchone()
        cursor.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        yield cursor
        # The caller's transaction may continue. (After an error, the rollback restores the path.)
        cursor.execute("SELECT set_config('search_path', %s, true)", [usual])


def schema_of(connection: BaseDatabaseWrapper) -> str:
    """
    Return the schema of the ledger's tables, quoted if necessary, or ``""`` on SQLite.

    It is the schema in which this connection finds the tables, or else would create them.
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
    """Return the enabled triggers, by table and name."""
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
        return found.definition == sql.strip()  # SQLite stores the text of a trigger.
    return found.seal == _seal(sql, found.definition)


def _seal(sql: str, definition: str) -> str:
    """Return a digest of a guard's SQL and of the definition that PostgreSQL derived from it."""
    return hashlib.sha256(f"{sql}{definition}".encode()).hexdigest()


def _drop(name: str, schema: str) -> str:
    return f"DROP TRIGGER IF EXISTS {name}" + (f" ON {_table(name, schema)}" if schema else "")
