"""
Compare the catalog of SQLite with the models.

SQLite stores the text of each CHECK as Django wrote it, so texts are compared. Most of the rest
comes from PRAGMAs.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from audit.protection.expected import (
    UNKNOWN_CHECK,
    UNKNOWN_COLUMN,
    UNKNOWN_KEY,
    UNKNOWN_REFERENCE,
    Problem,
    Table,
    default_problem,
    refuses_more,
)
from transfers import guards

# The settings of a new connection, and the problem if they differ.
SETTINGS = {
    "foreign_keys": (1, "foreign keys are not enforced"),
    "recursive_triggers": (1, "REPLACE deletes history without running the guards"),
    "ignore_check_constraints": (0, "CHECKs are not enforced"),
}

# The start of a CHECK, and the parts to find its end: quoted text may contain parentheses.
CHECK = re.compile(r'(?:CONSTRAINT\s+"?(?P<name>\w+)"?\s+)?\bCHECK\s*\(', re.IGNORECASE)
PARENTHESIS = re.compile(r"""'[^']*'|"[^"]*"|[()]""")


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
                yield from _of_table(cursor, table, made)


def _of_table(cursor: Any, table: Table, made: dict[tuple[str, str], str]) -> Iterator[Problem]:
    info = _pragma(cursor, "table_info", table.name)
    yield from _of_columns(info, table, made["table", table.name])
    yield from _of_checks(table, made["table", table.name])
    keys = {"": (frozenset(name for _, name, _, _, _, place in info if place), "")}
    for _, index, is_unique, *_ in _pragma(cursor, "index_list", table.name):
        if is_unique:
            columns = frozenset(row[2] for row in _pragma(cursor, "index_info", index))
            keys[index] = columns, made["index", index].partition(" WHERE ")[2]
    yield from _of_uniques(keys, table)
    yield from _of_references(_pragma(cursor, "foreign_key_list", table.name), table)


def _of_columns(info: list[tuple], table: Table, sql: str) -> Iterator[Problem]:
    found = {
        name: (kind, bool(required), default is not None)
        for _, name, kind, required, default, _ in info
    }
    for name, (kind, nullable, has_default) in table.columns.items():
        subject = f"{table.name}.{name}"
        if name not in found:
            yield "schema_has_every_column", subject, "the column is missing"
        elif found[name][0].lower() != kind.lower():
            yield "schema_has_every_column", subject, f"the column isn't of type {kind}"
        elif not nullable and not found[name][1]:
            yield "schema_has_every_column", subject, "NOT NULL is missing"
        elif has_default != found[name][2]:
            yield "schema_has_every_column", subject, default_problem(has_default)
        elif name in table.counted and "PRIMARY KEY AUTOINCREMENT" not in sql:
            yield "schema_has_every_column", subject, "the column isn't AUTOINCREMENT"
    if re.search(r"\bCOLLATE\b", sql, re.IGNORECASE):
        yield "schema_has_every_column", table.name, "a column doesn't have the default collation"
    for name, (_, is_required, has_default) in found.items():
        if name not in table.columns and is_required and not has_default:
            yield "schema_has_every_column", f"{table.name}.{name}", UNKNOWN_COLUMN


def _of_checks(table: Table, sql: str) -> Iterator[Problem]:
    for name, condition in table.checks.items():
        if f"CHECK ({condition})" not in sql:
            problem = "the CHECK is missing or has another condition"
            yield "schema_has_every_constraint", f"{table.name}.{name}", problem
    for name, condition in _checks_in(sql):
        words = set(re.findall(r"\w+", condition))
        is_ours = not table.columns.keys().isdisjoint(words) or words == {"0"}
        if is_ours and condition not in table.checks.values() and name not in table.checks:
            yield "schema_has_every_constraint", f"{table.name}.{name or condition}", UNKNOWN_CHECK


def _checks_in(sql: str) -> Iterator[tuple[str, str]]:
    """Yield the name, or "", and the condition of each CHECK in a CREATE TABLE."""
    for found in CHECK.finditer(sql):
        depth, start = 1, found.end()
        for part in PARENTHESIS.finditer(sql, start):
            depth += {"(": 1, ")": -1}.get(part[0], 0)
            if not depth:
                yield found["name"] or "", sql[start : part.start()]
                break


def _of_uniques(keys: dict[str, tuple[frozenset[str], str]], table: Table) -> Iterator[Problem]:
    for name, key in table.uniques.items():
        if key not in keys.values():
            problem = "the unique key is missing or altered"
            yield "schema_has_every_constraint", f"{table.name}.{name}", problem
    for name, key in keys.items():
        # A computed column of an index has no name.
        is_ours = None in key[0] or not table.columns.keys().isdisjoint(key[0])
        is_wanted = key in table.uniques.values() or name in table.uniques
        if is_ours and not is_wanted and refuses_more(key[0], table):
            yield "schema_has_every_constraint", f"{table.name}.{name}", UNKNOWN_KEY


def _of_references(found: list[tuple], table: Table) -> Iterator[Problem]:
    references: dict[int, tuple[list[str], str, bool]] = {}
    for number, _, target, column, _, on_update, on_delete, _ in found:
        columns = references.setdefault(
            number, ([], target, {on_update, on_delete} <= {"NO ACTION", "RESTRICT"})
        )[0]
        columns.append(column)
    whole = {
        (columns[0], target)
        for columns, target, keeps in references.values()
        if keeps and len(columns) == 1
    }
    reported = {each for each in table.references.items() if each not in whole}
    for column, target in sorted(reported):
        problem = f"the foreign key to {target} is missing or altered"
        yield "schema_has_every_constraint", f"{table.name}.{column}", problem
    for columns, target, keeps in references.values():
        key = columns[0], target
        is_wanted = len(columns) == 1 and key in table.references.items()
        if is_wanted and (keeps or key in reported):
            continue
        if not keeps or not table.columns.keys().isdisjoint(columns):
            subject = f"{table.name}.{columns[0]}"
            yield "schema_has_every_constraint", subject, UNKNOWN_REFERENCE


def _pragma(cursor: Any, name: str, argument: str = "") -> list[tuple]:
    cursor.execute(f'PRAGMA {name}("{argument}")' if argument else f"PRAGMA {name}")
    return cursor.fetchall()
