"""
The three statements that write a booking, whatever its size, on both databases.

By hand, because they are the hot path: the ORM takes longer to compile one of them than
PostgreSQL takes to run it. On PostgreSQL the columns travel as arrays, so that the text of a
statement is the same for one row and for a thousand. SQLite runs a statement for each row, which
costs it no round trip.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from transfers.models import Transfer
from transfers.posting import AccountState, Entry

Columns = dict[str, str]

ACCOUNT: Columns = {
    "id": "uuid",
    "balance": "bigint",
    "held": "bigint",
    "version": "bigint",
    "last_posted_at": "timestamptz",
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


def update_accounts(states: Iterable[AccountState]) -> None:
    """Write what a booking changes on each account."""
    rows = [tuple(getattr(state, column) for column in ACCOUNT) for state in states]
    if connection.vendor == "postgresql":
        changes = ", ".join(f"{column} = new.{column}" for column in ACCOUNT if column != "id")
        sql = f"UPDATE accounts_account account SET {changes} FROM {_unnest(ACCOUNT)} new"
        _run_arrays(f"{sql} WHERE account.id = new.id", rows)
    else:
        # The id comes first in a row, and last in the statement.
        rows = [(*changed, account_id) for account_id, *changed in rows]
        changes = ", ".join(f"{column} = %s" for column in ACCOUNT if column != "id")
        _run_each(f"UPDATE accounts_account SET {changes} WHERE id = %s", rows)


def insert_entries(entries: Iterable[tuple[UUID, UUID, Entry]]) -> None:
    """Write entries, each given with its own id and its transfer's."""
    rows = [
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
    ]
    _insert("transfers_ledgerentry", ENTRY, rows)


def insert_transfers(transfers: Iterable[Transfer]) -> None:
    """Write transfers, whose entries are there already."""
    rows = [tuple(getattr(transfer, column) for column in TRANSFER) for transfer in transfers]
    _insert("transfers_transfer", TRANSFER, rows)


def _insert(table: str, columns: Columns, rows: Sequence[tuple]) -> None:
    if not rows:
        return
    into = f"INSERT INTO {table} ({', '.join(columns)})"
    if connection.vendor == "postgresql":
        _run_arrays(f"{into} SELECT * FROM {_unnest(columns)} new", rows)
    else:
        _run_each(f"{into} VALUES ({', '.join(['%s'] * len(columns))})", rows)


def _unnest(columns: Columns) -> str:
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    return f"(SELECT * FROM unnest({arrays}) AS row ({', '.join(columns)}))"


def _run_arrays(sql: str, rows: Sequence[tuple]) -> None:
    arrays = [
        [json.dumps(dict(value)) if isinstance(value, Mapping) else value for value in column]
        for column in zip(*rows, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, arrays)


def _run_each(sql: str, rows: Sequence[tuple]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(sql, [[_for_sqlite(value) for value in row] for row in rows])


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return json.dumps(dict(value)) if isinstance(value, Mapping) else value
