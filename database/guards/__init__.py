"""
Database triggers that keep the ledger correct, whatever writes to its tables.

An app declares its triggers as a ``GuardSet``: a folder of SQL files for each database. Each file
is one guard: a trigger named after the file and, on PostgreSQL, the function that it calls. The
files next to this module are installed once for each of several tables.

Guards are installed after every ``migrate`` rather than by a migration. An old migration would run
the current SQL on an outdated schema, and SQLite silently drops the triggers of a table that Django
rebuilds.

On PostgreSQL, the functions search only ``pg_catalog`` and qualify all other names with the schema
of the ledger's tables (``{schema}`` in the files). Otherwise, a user who may create tables or
operators could shadow the ones that a guard uses.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from database.guards import citus

# The files for any table. In them ``{table}`` stands for the table, and ``{name}`` for the name of
# the guard, such as ``entry_append_only``.
SHARED = Path(__file__).parent
OF_HISTORY = ("append_only", "refuse_delete", "refuse_update")
OF_ALL_TABLES = ("not_truncated",)
# Between the statements of a file: Citus passes each on by itself.
BETWEEN = re.compile(r"(?<=;)\n+(?=CREATE |REVOKE )")


class Installed(NamedTuple):
    """A trigger in the database. On PostgreSQL its seal (see ``_seal``) is stored as a comment."""

    definition: str
    seal: str | None


class GuardSet:
    """
    The guards that one app defines.

    :param folder: the folder with a folder of SQL files for each database vendor
    :param tables: the table that each guard watches, by the first word of the guard's name; the
        first of them determines the schema
    :param history: the words whose tables are append-only
    :param kept: the words whose tables can't be truncated
    """

    def __init__(
        self,
        folder: Path,
        tables: Mapping[str, str],
        *,
        history: Sequence[str],
        kept: Sequence[str],
    ) -> None:
        self.folder = folder
        self.tables = tables
        self._shared = dict.fromkeys(OF_HISTORY, history) | dict.fromkeys(OF_ALL_TABLES, kept)
        SETS.append(self)

    def names(self, connection: BaseDatabaseWrapper) -> list[str]:
        """Return the names of the guards that this database should have."""
        return self.names_on(connection.vendor)

    def names_on(self, vendor: str) -> list[str]:
        """Return the names of the guards for a database vendor: ``sqlite`` or ``postgresql``."""
        files = [path.stem for path in (self.folder / vendor).glob("*.sql")]
        shared = [path.stem for path in (SHARED / vendor).glob("*.sql")]
        return sorted(
            [*files, *(f"{noun}_{file}" for file in shared for noun in self._shared[file])]
        )

    def missing(self, connection: BaseDatabaseWrapper) -> list[str]:
        """
        Return the names of the guards that are missing, disabled, altered or outdated.

        An upgrade of PostgreSQL may change how it prints a definition. The guard then counts as
        altered, and is installed again.
        """
        installed, schema = _installed(connection), schema_of(connection)
        on_citus = is_distributed(connection, schema)
        return [
            name
            for name in self.names(connection)
            if not _is_intact(
                self._sql(connection, name, schema, on_citus),
                installed.get((self._table(name, schema), name)),
            )
        ]

    def install(self, connection: BaseDatabaseWrapper) -> list[str]:
        """
        Install the guards that are missing, and return their names.

        The others are left alone, because creating a trigger takes an exclusive lock on its table.
        """
        absent, schema = self.missing(connection), schema_of(connection)
        on_citus = is_distributed(connection, schema)
        for name in absent:
            sql = self._sql(connection, name, schema, on_citus)
            table = self._table(name, schema)
            with own_names_only(connection) as cursor:
                cursor.execute(self._drop(name, schema))
                for statement in BETWEEN.split(sql):
                    cursor.execute(statement)
                if connection.vendor == "postgresql":
                    seal = _seal(sql, _installed(connection)[table, name].definition)
                    cursor.execute(f"COMMENT ON TRIGGER {name} ON {table} IS '{seal}'")
        return absent

    def drop(self, connection: BaseDatabaseWrapper, *only: str) -> None:
        """Drop the named guards, or all of them if none are named."""
        schema = schema_of(connection)
        with connection.cursor() as cursor:
            for name in only or self.names(connection):
                cursor.execute(self._drop(name, schema))

    def tables_exist(self, connection: BaseDatabaseWrapper) -> bool:
        """Return whether all the tables that these guards watch exist."""
        return set(self.tables.values()) <= set(connection.introspection.table_names())

    def _table(self, name: str, schema: str) -> str:
        table = self.tables[name.partition("_")[0]]
        return f"{schema}.{table}" if schema else table

    def _sql(self, connection: BaseDatabaseWrapper, name: str, schema: str, on_citus: bool) -> str:
        noun, _, rest = name.partition("_")
        path = Path(connection.vendor, f"{rest}.sql")
        path = SHARED / path if rest in self._shared else self.folder / path.with_stem(name)
        sql = path.read_text().replace("{name}", name).replace("{table}", self.tables[noun])
        sql = sql.replace("{schema}", schema)
        return citus.with_an_array(sql, self._table(name, schema)) if on_citus else sql

    def _drop(self, name: str, schema: str) -> str:
        on = f" ON {self._table(name, schema)}" if schema else ""
        return f"DROP TRIGGER IF EXISTS {name}{on}"


# Every set, in the order of the apps.
SETS: list[GuardSet] = []


def names(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of all guards that this database should have."""
    return sorted(name for each in SETS for name in each.names(connection))


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of all guards that are missing, as ``GuardSet.missing``."""
    return sorted(name for each in SETS for name in each.missing(connection))


def install(connection: BaseDatabaseWrapper) -> None:
    """Install all guards that are missing."""
    for each in SETS:
        each.install(connection)


def drop(connection: BaseDatabaseWrapper) -> None:
    """Drop all guards."""
    for each in SETS:
        each.drop(connection)


def tables_exist(connection: BaseDatabaseWrapper) -> bool:
    """Return whether all the tables that guards watch exist."""
    return all(each.tables_exist(connection) for each in SETS)


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
            [next(iter(SETS[0].tables.values()))],
        )
        table, default = cursor.fetchone()
    with own_names_only(connection) as cursor:
        cursor.execute(
            "SELECT quote_ident(coalesce((SELECT nspname::text FROM pg_class, pg_namespace space"
            " WHERE pg_class.oid = %s AND space.oid = relnamespace), %s))",
            [table, default],
        )
        [schema] = cursor.fetchone()
    return str(schema)


def is_distributed(connection: BaseDatabaseWrapper, schema: str) -> bool:
    """Return whether the schema is distributed by Citus."""
    return connection.vendor == "postgresql" and citus.is_distributed(connection, schema)


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
