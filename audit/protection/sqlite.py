"""
Compare the catalog of SQLite with the models.

SQLite stores the text of each CHECK as Django wrote it, so texts are compared. Most of the rest
comes from PRAGMAs.
"""

from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from audit.protection.expected import (
    UNKNOWN_CHECK,
    UNKNOWN_COLUMN,
    UNKNOWN_DEFAULT,
    UNKNOWN_KEY,
    UNKNOWN_REFERENCE,
    Problem,
    Table,
    counting_columns,
    default_problem,
    refuses_more,
)
from audit.protection.implied import is_implied
from audit.protection.new_rows import NewRows, quoted
from audit.protection.sqlite_text import (
    Key,
    checks_in,
    collations_in,
    conflicts_in,
    key_in,
    names_in,
)
from database import guards

LARGEST_ID = 2**63 - 1

# The settings of a new connection, and the problem if they differ.
SETTINGS = {
    "foreign_keys": (1, "foreign keys are not enforced"),
    "recursive_triggers": (1, "REPLACE deletes rows without running the guards against it"),
    "ignore_check_constraints": (0, "CHECKs are not enforced"),
}


class SqliteNewRows(NewRows):
    """
    New rows, which know the names of the other columns.

    SQLite reads a quoted name that it doesn't find as a text.
    """

    def __init__(
        self,
        cursor: Any,
        columns: dict[str, str],
        others: set[str],
        connection: BaseDatabaseWrapper,
    ) -> None:
        self._others = others
        super().__init__(cursor, columns, connection)

    def values(self, expression: str) -> list[Any] | None:
        return None if names_in(expression) & self._others else super().values(expression)


def problems(connection: BaseDatabaseWrapper, tables: list[Table]) -> Iterator[Problem]:
    """Yield each difference between the schema and what it must have."""
    with connection.cursor() as cursor:
        for name, (wanted, problem) in SETTINGS.items():
            if _pragma(cursor, name) != [(wanted,)]:
                yield "schema_is_enforced", f"PRAGMA {name}", problem
        cursor.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
        master = cursor.fetchall()
        made = {(kind, name): sql or "" for kind, name, _, sql in master}
        known = {table.name for table in tables}
        for kind, name, on, _ in master:
            if kind == "trigger" and on in known and name not in guards.names(connection):
                yield "schema_has_nothing_in_between", on, f"the trigger {name}"
        for table in tables:
            if ("view", table.name) in made:
                yield "schema_has_nothing_in_between", table.name, "it is not an ordinary table"
            elif ("table", table.name) not in made:
                yield "schema_has_every_column", table.name, "the table is missing"
            else:
                yield from _of_table(connection, cursor, table, made)
    for name, column in used_up_ids(connection):
        yield "schema_takes_writes", f"{name}.{column}", "its ids are used up"


def used_up_ids(connection: BaseDatabaseWrapper) -> Iterator[tuple[str, str]]:
    """Yield each table and column whose ids are used up, so that no row can be inserted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        present = {name for (name,) in cursor.fetchall()}
        for name, column in sorted(counting_columns().items()):
            if name not in present:
                continue
            cursor.execute(
                f"SELECT (SELECT max(seq) FROM sqlite_sequence WHERE name = %s) >= %s"
                f' OR (SELECT max("{column}") FROM "{name}") >= %s',
                [name, LARGEST_ID, LARGEST_ID],
            )
            if cursor.fetchone()[0]:
                yield name, column


def _of_table(
    connection: BaseDatabaseWrapper, cursor: Any, table: Table, made: dict[tuple[str, str], str]
) -> Iterator[Problem]:
    sql = made["table", table.name]
    info = _pragma(cursor, "table_xinfo", table.name)
    # Generated columns may depend on any other column, so their values aren't known.
    generated = {name.lower() for _, name, *_, hidden in info if hidden}
    others = {name.lower() for name in table.columns} | generated
    defaults = {
        name: default or "NULL" for _, name, _, _, default, *_ in info if name.lower() not in others
    }
    new = SqliteNewRows(cursor, defaults, others, connection)
    yield from _of_columns(info, table, sql)
    yield from _of_new_columns(info, table, new)
    yield from _of_checks(table, sql, new)
    if set(conflicts_in(sql)) - {"abort"}:
        problem = "ON CONFLICT makes the table ignore, delete or change rows"
        yield "schema_has_every_constraint", table.name, problem
    keys = {}
    primary = frozenset(name for _, name, _, _, _, place, _ in info if place)
    keys[""] = primary, Key([quoted(name) for name in primary], "")
    for _, index, is_unique, *_ in _pragma(cursor, "index_list", table.name):
        if is_unique:
            columns = [
                _indexed(place, name, collation, collations_in(sql))
                for place, _, name, _, collation, is_key in _pragma(cursor, "index_xinfo", index)
                if is_key
            ]
            text = made["index", index]
            key = key_in(text) if text else Key([quoted(name) for name in columns], "")
            keys[index] = frozenset(columns), key
    yield from _of_uniques(keys, table, new)
    yield from _of_references(cursor, table, new)


def _indexed(place: int, name: str | None, collation: str, usual: dict[str, str]) -> str:
    """Return a column of an index. An expression, and another collation, equal no column."""
    if name is None:
        return f"expression {place}"
    own = usual.get(name.lower(), "binary")
    return name if collation.lower() == own else f"{name} COLLATE {collation}"


def _of_columns(info: list[tuple], table: Table, sql: str) -> Iterator[Problem]:
    found = {
        name: (kind, bool(required), default or "", hidden)
        for _, name, kind, required, default, _, hidden in info
    }
    for name, (kind, nullable, default) in table.columns.items():
        subject = f"{table.name}.{name}"
        if name not in found:
            yield "schema_has_every_column", subject, "the column is missing"
        elif found[name][0].lower() != kind.lower():
            yield "schema_has_every_column", subject, f"the column isn't of type {kind}"
        elif found[name][3]:
            yield "schema_has_every_column", subject, "the column is generated"
        elif not nullable and not found[name][1]:
            yield "schema_has_every_column", subject, "NOT NULL is missing"
        elif default != found[name][2]:
            problem = default_problem(default, found[name][2])
            yield "schema_has_every_column", subject, problem
        elif name in table.counted and "PRIMARY KEY AUTOINCREMENT" not in sql:
            yield "schema_has_every_column", subject, "the column isn't AUTOINCREMENT"
    for name, collation in collations_in(sql).items():
        if name in table.columns and collation != "binary":
            problem = "the column doesn't have the default collation"
            yield "schema_has_every_column", f"{table.name}.{name}", problem


def _of_new_columns(info: list[tuple], table: Table, new: NewRows) -> Iterator[Problem]:
    required = {name for _, name, _, is_required, *_ in info if is_required}
    for name in new.columns:
        if name in new.refused:
            yield "schema_has_every_column", f"{table.name}.{name}", UNKNOWN_DEFAULT
        elif name in required and None in (new.values(quoted(name)) or []):
            yield "schema_has_every_column", f"{table.name}.{name}", UNKNOWN_COLUMN


def _of_checks(table: Table, sql: str, new: NewRows) -> Iterator[Problem]:
    checks = list(checks_in(sql))
    conditions = {condition for _, condition in checks}
    reported = set()
    for name, condition in table.checks.items():
        if condition not in conditions:
            reported.add(name)
            problem = "the CHECK is missing or has another condition"
            yield "schema_has_every_constraint", f"{table.name}.{name}", problem
    for name, condition in checks:
        is_known = condition in table.checks.values() or name in reported
        if not (is_known or new.pass_check(condition) or is_implied(condition, table, new)):
            yield "schema_has_every_constraint", f"{table.name}.{name or condition}", UNKNOWN_CHECK


def _of_uniques(
    keys: dict[str, tuple[frozenset[str], Key]], table: Table, new: NewRows
) -> Iterator[Problem]:
    found = {(columns, key.condition) for columns, key in keys.values()}
    reported = {name for name, wanted in table.uniques.items() if wanted not in found}
    for name in table.uniques:
        if name in reported:
            problem = "the unique key is missing or altered"
            yield "schema_has_every_constraint", f"{table.name}.{name}", problem
    for name, (columns, key) in keys.items():
        is_wanted = (columns, key.condition) in table.uniques.values() or name in reported
        if is_wanted or not refuses_more(columns, table):
            continue
        if not new.never_conflict(key.parts, key.condition, nulls_are_equal=False):
            yield "schema_has_every_constraint", f"{table.name}.{name}", UNKNOWN_KEY


def _of_references(cursor: Any, table: Table, new: NewRows) -> Iterator[Problem]:
    references: dict[int, tuple[list[str], str, bool]] = {}
    # The columns that each refers to, or None if it names none.
    referred: dict[int, list[str | None]] = {}
    for row in _pragma(cursor, "foreign_key_list", table.name):
        number, _, target, column, to, on_update, on_delete, _ = row
        columns = references.setdefault(
            number, ([], target, {on_update, on_delete} <= {"NO ACTION", "RESTRICT"})
        )[0]
        columns.append(column)
        referred.setdefault(number, []).append(to)
    whole = {
        (columns[0], target)
        for number, (columns, target, keeps) in references.items()
        if keeps and len(columns) == 1 and _is_key(cursor, target, referred[number][0])
    }
    reported = {each for each in table.references.items() if each not in whole}
    for column, target in sorted(reported):
        problem = f"the foreign key to {target} is missing or altered"
        yield "schema_has_every_constraint", f"{table.name}.{column}", problem
    for number, (columns, target, keeps) in references.items():
        key = columns[0], target
        is_wanted = len(columns) == 1 and key in table.references.items()
        if is_wanted and (keeps or key in reported):
            continue
        is_ours = not new.columns.keys() >= set(columns)
        pairs = " AND ".join(
            f"target.{quoted(to or 'rowid')} = fresh.{quoted(column)}"
            for column, to in zip(columns, referred[number], strict=True)
        )
        exists = f"EXISTS (SELECT 1 FROM {quoted(target)} AS target WHERE {pairs})"
        if not keeps or is_ours or not new.meet_reference(columns, exists):
            subject = f"{table.name}.{columns[0]}"
            yield "schema_has_every_constraint", subject, UNKNOWN_REFERENCE


def _is_key(cursor: Any, table: str, column: str | None) -> bool:
    """Return whether a column is the primary key. A foreign key without a column refers to it."""
    key = [name for _, name, _, _, _, place, _ in _pragma(cursor, "table_xinfo", table) if place]
    return column is None or key == [column]


def _pragma(cursor: Any, name: str, argument: str = "") -> list[tuple]:
    cursor.execute(f'PRAGMA {name}("{argument}")' if argument else f"PRAGMA {name}")
    return cursor.fetchall()
