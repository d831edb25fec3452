"""
Insert and update many rows by hand-written SQL, in one statement on PostgreSQL.

This is for the hot path: the ORM takes longer to compose a statement than PostgreSQL takes to run
it. The columns are derived from the models.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model
from psycopg.types.numeric import Int8

Row = Sequence[Any]
Rows = Sequence[Row]

# The PostgreSQL type of the parameters for each type of field. (A cast to varchar(n) would truncate
# texts.)
TYPES = {
    "AutoField": "bigint",
    "BigIntegerField": "bigint",
    "CharField": "text",
    "DateTimeField": "timestamptz",
    "JSONField": "jsonb",
    "PositiveSmallIntegerField": "bigint",
    "TextField": "text",
    "UUIDField": "uuid",
}

# Up to `FEW` rows are sent value by value, which is cheaper for both sides. More rows are sent as
# one array for each column: the statement is then the same for any number of rows, and PostgreSQL
# plans it once. Two rows are the two accounts and the two entries of one transfer. psycopg parses
# a statement again for each execution if it has more than 50 parameters.
FEW = 2
MANY = FEW + 1


class Table:
    """A table, with the columns that a statement writes, in order."""

    def __init__(self, model: type[Model], columns: Iterable[str]) -> None:
        self.name = model._meta.db_table
        self.types = {column: _type(model._meta.get_field(column)) for column in columns}
        self.columns = tuple(self.types)
        self.row_of = attrgetter(*self.columns)

    def values_of(self, instance: object) -> dict[str, Any]:
        """Return the values of the columns in ``instance``, by name."""
        return dict(zip(self.columns, self.row_of(instance), strict=True))


def _type(field: Any) -> str:
    while field.is_relation:
        field = field.target_field
    return TYPES[field.get_internal_type()]


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────


def insert(table: Table, count: int) -> str:
    """Return an INSERT of ``count`` rows for PostgreSQL; ``MANY`` stands for any larger number."""
    columns = ", ".join(table.columns)
    return f"INSERT INTO {table.name} ({columns}) SELECT * FROM {new(table, count)}"


def new(table: Table, count: int) -> str:
    """Return a FROM item called ``new`` for the parameters of ``count`` rows."""
    types = table.types.values()
    if count < MANY:
        row = ", ".join(f"%s::{kind}" for kind in types)
        rows = f"VALUES {', '.join([f'({row})'] * count)}"
    else:
        arrays = ", ".join(f"%s::{kind}[]" for kind in types)
        rows = f"SELECT * FROM unnest({arrays})"
    return f"({rows}) AS new ({', '.join(table.columns)})"


def parameters(rows: Rows) -> list[Any]:
    """Return the parameters for ``rows`` in a statement with ``new``."""
    if len(rows) < MANY:
        return [_for_postgresql(value) for row in rows for value in row]
    return [_array(column) for column in zip(*rows, strict=True)]


def _for_postgresql(value: Any) -> Any:
    if type(value) is int:
        # psycopg chooses a type by the size of the number. Each combination of types would be
        # another prepared statement.
        return Int8(value)
    return json.dumps(dict(value)) if isinstance(value, Mapping) else value


def _array(values: Iterable[Any]) -> str:
    # psycopg takes several times as long to write the same text from a list.
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if type(value) is int:
        return str(value)
    text = json.dumps(dict(value)) if isinstance(value, Mapping) else str(value)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────


def insert_row(table: Table) -> str:
    """Return an INSERT of one row for SQLite."""
    values = ", ".join(["%s"] * len(table.columns))
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({values})"


def for_sqlite(row: Row) -> list[Any]:
    """Return a row's values as parameters for SQLite."""
    return [_for_sqlite(value) for value in row]


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return json.dumps(dict(value)) if isinstance(value, Mapping) else value
