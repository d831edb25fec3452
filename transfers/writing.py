"""
Write postings: with a single statement on PostgreSQL, and with one for each row on SQLite.

A single statement saves round trips. SQLite has none, and doesn't support INSERT within WITH.
The columns are derived from the models and from the engine's ``Entry``.
"""

from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from uuid import UUID

from django.db import connection

from accounts.models import Account
from database.tables import MANY, Table, for_sqlite, insert, insert_row, new, parameters
from transfers.models import LedgerEntry, Transfer
from transfers.posting import AccountState, Entry

# The columns of an account that a posting changes. The id comes last, as in the UPDATE on SQLite.
ACCOUNT = Table(Account, ("balance", "held", "version", "hold_version", "last_posted_at", "id"))
TRANSFER = Table(Transfer, (field.attname for field in Transfer._meta.concrete_fields))
# The fields of the engine's `Entry`. In a row they follow the ids of the entry and the transfer.
_POSTED = [field.name for field in fields(Entry)]
_posted_row_of = attrgetter(*_POSTED)
ENTRY = Table(LedgerEntry, ("id", "transfer_id", *_POSTED))


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
            cursor.execute(statement, [value for rows in tables for value in parameters(rows)])
            return
        for statement, rows in zip(SQLITE_STATEMENTS, tables, strict=True):
            cursor.executemany(statement, [for_sqlite(row) for row in rows])


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────


@cache
def _statement(accounts: int, entries: int, transfers: int) -> str:
    """Return the statement for these numbers of rows; ``MANY`` stands for any larger number."""
    changes = ", ".join(f"{column} = new.{column}" for column in ACCOUNT.columns[:-1])
    update = f"UPDATE {ACCOUNT.name} account SET {changes} FROM {new(ACCOUNT, accounts)}"
    # Transfers that move no money have no entries.
    enter = f", entered AS ({insert(ENTRY, entries)})" if entries else ""
    return (
        f"WITH updated AS ({update} WHERE account.id = new.id){enter} {insert(TRANSFER, transfers)}"
    )


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────


def _update_row(table: Table) -> str:
    changes = ", ".join(f"{column} = %s" for column in table.columns[:-1])
    return f"UPDATE {table.name} SET {changes} WHERE id = %s"


SQLITE_STATEMENTS = (_update_row(ACCOUNT), insert_row(ENTRY), insert_row(TRANSFER))
