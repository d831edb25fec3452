"""
SQLite's catalog compared with the models.

SQLite keeps the text of each CHECK as Django worded it, so that the texts are compared. Most of the
rest can be asked of its PRAGMAs.
"""

from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from audit.protection.expected import Problem, Table, default_problem
from transfers import guards

# What a connection of ours is told when it begins, and what is lost without it.
SETTINGS = {
    "foreign_keys": (1, "foreign keys are not enforced"),
    "recursive_triggers": (1, "a REPLACE deletes history unseen"),
    "ignore_check_constraints": (0, "CHECKs are not enforced"),
}


def problems(connection: BaseDatabaseWrapper, tables: list[Table]) -> Iterator[Problem]:
    """Yield what the schema of the ledger lacks, or has too much."""
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
    found = {
        name: (kind, bool(required), default is not None)
        for _, name, kind, required, default, _ in info
    }
    for name, (kind, nullable, has_default) in table.columns.items():
        subject = f"{table.name}.{name}"
        if name not in found:
            yield "schema_has_every_column", subject, "the column is missing"
        elif found[name][0].lower() != kind.lower():
            yield "schema_has_every_column", subject, f"the column is not of the type {kind}"
        elif not nullable and not found[name][1]:
            yield "schema_has_every_column", subject, "NOT NULL is missing"
        elif has_default != found[name][2]:
            yield "schema_has_every_column", subject, default_problem(has_default)
    for name, sql in table.checks.items():
        if f"CHECK ({sql})" not in made["table", table.name]:
            problem = "the CHECK is missing, or has another condition"
            yield "schema_has_every_constraint", f"{table.name}.{name}", problem
    keys = {(frozenset(name for _, name, _, _, _, place in info if place), "")}
    for _, index, is_unique, *_ in _pragma(cursor, "index_list", table.name):
        if is_unique:
            columns = frozenset(row[2] for row in _pragma(cursor, "index_info", index))
            keys.add((columns, made["index", index].partition(" WHERE ")[2]))
    for name, key in table.uniques.items():
        if key not in keys:
            problem = "the unique key is missing or altered"
            yield "schema_has_every_constraint", f"{table.name}.{name}", problem
    references = {
        (column, target)
        for _, _, target, column, _, on_update, on_delete, _ in _pragma(
            cursor, "foreign_key_list", table.name
        )
        if {on_update, on_delete} <= {"NO ACTION", "RESTRICT"}
    }
    for column, target in table.references.items():
        if (column, target) not in references:
            problem = f"the foreign key to {target} is missing or altered"
            yield "schema_has_every_constraint", f"{table.name}.{column}", problem


def _pragma(cursor: Any, name: str, argument: str = "") -> list[tuple]:
    cursor.execute(f'PRAGMA {name}("{argument}")' if argument else f"PRAGMA {name}")
    return cursor.fetchall()
