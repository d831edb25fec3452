"""Fill a ledger with rows, and measure how many of them a query reads."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from transfers.guards import guards
from transfers.kinds import Kind

_made = itertools.count(1)


def fill(
    accounts: list[Account], transfers: int, days_ago: int = 20, only: Kind | None = None
) -> None:
    """
    Insert transfers between accounts, of all kinds or one, a second apart, and run ANALYZE.

    They are only rows to search: nothing is posted, and the guards are dropped.
    """
    guards.drop(connection)
    names = (
        "id, kind, hold_id, reverses_id, source_id, dest_id, created_at, expires_at, held,"
        " hold_sequence"
    )
    begin = (timezone.now() - timedelta(days=days_ago)).replace(microsecond=0)
    rows: list[list[Any]] = []
    for number in range(transfers):
        at = begin + timedelta(seconds=number)
        one = UUID(int=int(at.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62 | next(_made))
        last = rows[-1][0] if rows else None
        kind, hold, reverses = only or Kind.TRANSFER, None, None
        match number % 20 if only is None else None:
            case 1 | 4 | 7:
                kind = Kind.HOLD
            case 2:
                kind, hold = Kind.CAPTURE, last
            case 5:
                kind, hold = Kind.VOID, last
            case 10:
                kind, reverses = Kind.REVERSAL, last
            case 11:
                kind = Kind.DEPOSIT
            case 12:
                kind = Kind.WITHDRAWAL
        source, dest = accounts[number % len(accounts)], accounts[(number + 1) % len(accounts)]
        until = at + timedelta(days=1) if kind is Kind.HOLD else None
        chained = kind in (Kind.HOLD, Kind.CAPTURE, Kind.VOID)
        held = [0, next(_made)] if chained else [None, None]
        values = [one, hold, reverses, source.pk, dest.pk, at, until, *held]
        if connection.vendor == "sqlite":
            values = [value.hex if isinstance(value, UUID) else value for value in values]
        rows.append([values[0], kind.value, *values[1:]])
    places = ", ".join(["%s"] * 10)
    with connection.cursor() as cursor:
        # In parts: the service gives up a database that doesn't respond for some seconds.
        for first in range(0, len(rows), 500):
            cursor.executemany(
                f"INSERT INTO transfers_transfer ({names}, amount, currency, metadata)"
                f" VALUES ({places}, 1, 'USD', '{{}}')",
                rows[first : first + 500],
            )
        cursor.execute("ANALYZE")


def open_accounts(owner: User, count: int) -> list[Account]:
    """Open ``count`` accounts in dollars."""
    return Account.objects.bulk_create(
        Account(owner=owner, owner_name=owner.username, currency="USD") for _ in range(count)
    )


class Work:
    """The work of a database: rows read on PostgreSQL, steps of the virtual machine on SQLite."""

    def __init__(self) -> None:
        self.done = 0


@contextmanager
def work() -> Iterator[Work]:
    """
    Count the work of the database for the queries inside the block.

    The figures depend only on the rows and the query plan, not on the speed of the machine.
    """
    counted = Work()
    if connection.vendor == "postgresql":
        before = _rows_read()
        yield counted
        counted.done = _rows_read() - before
        return

    def tick() -> None:
        counted.done += 1

    connection.ensure_connection()
    connection.connection.set_progress_handler(tick, 1)
    try:
        yield counted
    finally:
        connection.connection.set_progress_handler(None, 0)


def _rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))"
            " FROM pg_stat_xact_user_tables WHERE relname LIKE 'accounts\\_%' OR"
            " relname LIKE 'transfers\\_%' OR relname LIKE 'events\\_%'"
        )
        [read] = cursor.fetchone()
    return int(read)


def work_of(call: Callable[[], object]) -> int:
    """Return the work of the database for a call."""
    with work() as counted:
        call()
    return counted.done
