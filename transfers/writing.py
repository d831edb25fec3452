"""
Write postings: with a single statement on PostgreSQL, and with one for each row on SQLite.

The SQL is composed by hand because this is the hot path. The ORM takes longer to compose three
statements than PostgreSQL takes to run them, and each statement is a round trip. SQLite has no
round trips, and doesn't support INSERT within WITH.

The columns are derived from the models and from the engine's ``Entry``.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model
from psycopg.types.numeric import Int8

from accounts.models import Account
from transfers.models import LedgerEntry, Transfer
from transfers.posting import AccountState, Entry

Rows = Sequence[tuple[Any, ...]]

# The PostgreSQL type of the parameters for each type of field. (A cast to varchar(n) would truncate
# texts.)
TYPES = {
    "AutoField": "bigint",
    "BigIntegerField": "bigint",
    "CharField": "text",
    "DateTimeField": "timestamptz",
    "JSONField": "jsonb",
    "UUIDField": "uuid",
}


class Table:
    """A table, with the columns that a posting writes, in order."""

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


# The columns of an account that a posting changes. The id comes last, as in the UPDATE on SQLite.
ACCOUNT = Table(Account, ("balance", "held", "version", "last_posted_at", "id"))
TRANSFER = Table(Transfer, (field.attname for field in Transfer._meta.concrete_fields))
# The fields of the engine's `Entry`. In a row they follow the ids of the entry and the transfer.
_POSTED = [field.name for field in fields(Entry)]
_posted_row_of = attrgetter(*_POSTED)
ENTRY = Table(LedgerEntry, ("id", "transfer_id", *_POSTED))

# Up to `FEW` rows are sent value by value, which is cheaper for both sides. More rows are sent as
# one array for each column: the statement is then the same for any number of rows, and PostgreSQL
# plans it once.
FEW = 8
MANY = FEW + 1


def write(
    states: Iterable[AccountState],
    entries: Iterable[tuple[UUID, UUID, Entry]],
    transfers: Iterable[Transfer],
) -> None:
    """
    Write the new states of accounts, the entries, and the transfers.

    :param entries: each with its id and the id of its transfer: (entry id, transfer id, entry)
    """
    tables = (
        [ACCOUNT.row_of(state) for state in states],
        [
            (entry_id, transfer_id, *_posted_row_of(entry))
            for entry_id, transfer_id, entry in entries
        ],
        [TRANSFER.row_of(transfer) for transfer in transfers],
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            statement = _statement(*(min(len(rows), MANY) for rows in tables))
            cursor.execute(statement, [value for rows in tables for value in _parameters(rows)])
            return
        for statement, rows in zip(SQLITE_STATEMENTS, tables, strict=True):
            cursor.executemany(statement, [[_for_sqlite(value) for value in row] for row in rows])


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────


@cache
def _statement(accounts: int, entries: int, transfers: int) -> str:
    """Return the statement for these numbers of rows; ``MANY`` stands for any larger number."""
    changes = ", ".join(f"{column} = new.{column}" for column in ACCOUNT.columns[:-1])
    update = f"UPDATE {ACCOUNT.name} account SET {changes} FROM {_new(ACCOUNT, accounts)}"
    # Transfers that move no money have no entries.
    enter = f", entered AS ({_insert(ENTRY, entries)})" if entries else ""
    return (
        f"WITH updated AS ({update} WHERE account.id = new.id){enter}"
        f" {_insert(TRANSFER, transfers)}"
    )


def _insert(table: Table, count: int) -> str:
    columns = ", ".join(table.columns)
    return f"INSERT INTO {table.name} ({columns}) SELECT * FROM {_new(table, count)}"


def _new(table: Table, count: int) -> str:
    """Return a FROM item called ``new`` for the parameters of ``count`` rows."""
    types = table.types.values()
    if count < MANY:
        row = ", ".join(f"%s::{kind}" for kind in types)
        rows = f"VALUES {', '.join([f'({row})'] * count)}"
    else:
        arrays = ", ".join(f"%s::{kind}[]" for kind in types)
        rows = f"SELECT * FROM unnest({arrays})"
    return f"({rows}) AS new ({', '.join(table.columns)})"


def _parameters(rows: Rows) -> list[Any]:
    if len(rows) < MANY:
        return [_for_postgresql(value) for row in rows for value in row]
    return [[_for_postgresql(value) for value in column] for column in zip(*rows, strict=True)]


def _for_postgresql(value: Any) -> Any:
    if type(value) is int:
        # psycopg chooses a type by the size of the number. Each combination of types would be
        # another prepared statement.
        return Int8(value)
    return json.dumps(dict(value)) if isinstance(value, Mapping) else value


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────


def _update_row(table: Table) -> str:
    changes = ", ".join(f"{column} = %s" for column in table.columns[:-1])
    return f"UPDATE {table.name} SET {changes} WHERE id = %s"


def _insert_row(table: Table) -> str:
    values = ", ".join(["%s"] * len(table.columns))
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({values})"


SQLITE_STATEMENTS = (_update_row(ACCOUNT), _insert_row(ENTRY), _insert_row(TRANSFER))


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return json.dumps(dict(value)) if isinstance(value, Mapping) else value
