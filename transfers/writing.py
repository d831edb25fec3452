"""
The one statement that writes a posting, whatever its size. On SQLite it is one for each row.

By hand, because it is the hot path: the ORM takes longer to compose its three statements than
PostgreSQL takes to run them, and each statement is a round trip. SQLite knows neither round trips
nor an INSERT within a WITH.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg.types.numeric import Int8

from transfers.models import Transfer
from transfers.posting import AccountState, Entry

Columns = dict[str, str]
Rows = Sequence[tuple]

# Its id comes last, as it does in an UPDATE.
ACCOUNT: Columns = {
    "balance": "bigint",
    "held": "bigint",
    "version": "bigint",
    "last_posted_at": "timestamptz",
    "id": "uuid",
}
ENTRY: Columns = {
    "id": "uuid",
    "transfer_id": "uuid",
    "account_id": "uuid",
    "ts": "timestamptz",
    "type": "text",
    "amount": "bigint",
    "balance": "bigint",
    "sequence": "bigint",
}
TRANSFER: Columns = {
    "id": "uuid",
    "kind": "text",
    "source_id": "uuid",
    "dest_id": "uuid",
    "amount": "bigint",
    "currency": "text",
    "memo": "text",
    "metadata": "jsonb",
    "expires_at": "timestamptz",
    "hold_id": "uuid",
    "reverses_id": "uuid",
    "created_by_id": "bigint",
    "created_at": "timestamptz",
}

# A few rows travel value by value, which costs both sides less. More travel as an array for each
# column: the statement is then the same for any number, and PostgreSQL plans it once.
FEW = 8
MANY = FEW + 1


def write(
    states: Iterable[AccountState],
    entries: Iterable[tuple[UUID, UUID, Entry]],
    transfers: Iterable[Transfer],
) -> None:
    """
    Write what a posting changes on each account, its entries, and its transfers.

    :param entries: each with its own id and its transfer's
    """
    tables = (
        [tuple(getattr(state, column) for column in ACCOUNT) for state in states],
        [
            (
                entry_id,
                transfer_id,
                entry.account,
                entry.ts,
                entry.type,
                entry.amount,
                entry.balance,
                entry.sequence,
            )
            for entry_id, transfer_id, entry in entries
        ],
        [tuple(getattr(transfer, column) for column in TRANSFER) for transfer in transfers],
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
    """Return the statement for so many rows of each table, or for ``MANY``."""
    changes = ", ".join(f"{column} = new.{column}" for column in ACCOUNT if column != "id")
    update = f"UPDATE accounts_account account SET {changes} FROM {_new(ACCOUNT, accounts)}"
    # A HOLD or a VOID enters nothing.
    enter = f", entered AS ({_insert('transfers_ledgerentry', ENTRY, entries)})" if entries else ""
    return (
        f"WITH updated AS ({update} WHERE account.id = new.id){enter}"
        f" {_insert('transfers_transfer', TRANSFER, transfers)}"
    )


def _insert(table: str, columns: Columns, count: int) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM {_new(columns, count)}"


def _new(columns: Columns, count: int) -> str:
    """Return a table of parameters, called ``new``."""
    if count < MANY:
        row = ", ".join(f"%s::{kind}" for kind in columns.values())
        rows = f"VALUES {', '.join([f'({row})'] * count)}"
    else:
        arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        rows = f"SELECT * FROM unnest({arrays})"
    return f"({rows}) AS new ({', '.join(columns)})"


def _parameters(rows: Rows) -> list:
    if len(rows) < MANY:
        return [_for_postgresql(value) for row in rows for value in row]
    return [[_for_postgresql(value) for value in column] for column in zip(*rows, strict=True)]


def _for_postgresql(value: Any) -> Any:
    if type(value) is int:
        # All as bigint: each width of a number would be another statement to prepare.
        return Int8(value)
    return json.dumps(dict(value)) if isinstance(value, Mapping) else value


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────


def _insert_row(table: str, columns: Columns) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"


SQLITE_STATEMENTS = (
    "UPDATE accounts_account SET balance = %s, held = %s, version = %s, last_posted_at = %s"
    " WHERE id = %s",
    _insert_row("transfers_ledgerentry", ENTRY),
    _insert_row("transfers_transfer", TRANSFER),
)


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return json.dumps(dict(value)) if isinstance(value, Mapping) else value
