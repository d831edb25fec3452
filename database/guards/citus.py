"""
Guards of a schema that Citus keeps on one of its nodes.

Citus can't plan a query that joins a transition table with a distributed table. It can plan one
that reads an array, so there the functions read the rows of the statement from an array.
See docs/citus.md.
"""

import re

from django.db.backends.base.base import BaseDatabaseWrapper

# How the files name the transition table.
TRANSITION_TABLE = re.compile(r"\b(FROM|JOIN) added\b(?! fresh)|\b(FROM|JOIN) added fresh\b")


def is_distributed(connection: BaseDatabaseWrapper, schema: str) -> bool:
    """Return whether Citus has distributed this schema, whose name is quoted if necessary."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_catalog.to_regclass('pg_catalog.pg_dist_schema')")
        if cursor.fetchone() == (None,):
            return False
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_dist_schema"
            " WHERE schemaid = pg_catalog.to_regnamespace(%s))",
            [schema],
        )
        return bool(cursor.fetchone()[0])


def with_an_array(sql: str, table: str) -> str:
    """Return the SQL of a guard whose function reads new rows of ``table`` from an array."""
    if not TRANSITION_TABLE.search(sql):
        return sql
    array = f"added_rows {table}[] := ARRAY(SELECT added FROM added);"
    read = TRANSITION_TABLE.sub(_read, sql)
    if "\nDECLARE\n" in read:
        return read.replace("\nDECLARE\n", f"\nDECLARE\n    {array}\n", 1)
    return read.replace("\nBEGIN\n", f"\nDECLARE\n    {array}\nBEGIN\n", 1)


def _read(found: re.Match[str]) -> str:
    if found[1]:
        return f"{found[1]} unnest(added_rows) added"
    return f"{found[2]} unnest(added_rows) fresh"
