"""
The database connections of a process that serves several ledgers.

Their number is bounded, however many ledgers there are. So a request to a ledger that was idle for
long may have to open a connection, and close one of another ledger.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from threading import Lock

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from database.switching import named, switched_to
from ledger_project.ledgers.file import Ledger
from ledger_project.ledgers.outages import Outages

# The most connections of a process, unless the server sets it.
MOST = 16
# Since when a connection is idle that isn't open.
NEVER = 0.0


class Pool:
    """
    Connections of any ledger, at most ``most`` in all unless more than that are in use.

    A connection that was used last is used first. If there are too many, the one that has been idle
    longest is closed.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = Lock()
        # Each with the time since when it is idle, in this order. Those not open come first.
        self._idle: dict[Ledger, list[tuple[float, BaseDatabaseWrapper]]] = {}
        self._in_use = 0
        # None as long as every ledger may keep connections.
        self._current: Collection[Ledger] | None = None

    def take(self, ledger: Ledger) -> BaseDatabaseWrapper:
        """Return a connection of a ledger, which may not be open yet. ``give_back`` it."""
        closing = None
        with self._lock:
            idle = self._idle.get(ledger)
            connection = idle.pop()[1] if idle else None
            self._in_use += 1
            if connection is None and self._count() > self.most:
                closing = self._pop_oldest()
        try:
            if closing is not None:
                closing.close()
            if connection is None:
                return _new(ledger)
            # As Django does at the beginning of each request.
            connection.close_if_unusable_or_obsolete()
        except BaseException:
            self._end_use()
            raise
        return connection

    def give_back(self, ledger: Ledger, connection: BaseDatabaseWrapper) -> None:
        """Keep a connection for the next user of the ledger, or close it if it can't be used."""
        try:
            is_usable = not connection.in_atomic_block
            # As Django does at the end of each request.
            connection.close_if_unusable_or_obsolete()
        except BaseException:
            self._end_use()
            raise
        with self._lock:
            self._in_use -= 1
            is_current = self._current is None or ledger in self._current
            if is_usable and is_current and self._count() < self.most:
                idle = self._idle.setdefault(ledger, [])
                if connection.connection is None:
                    idle.insert(0, (NEVER, connection))
                else:
                    idle.append((time.monotonic(), connection))
                return
        connection.close()

    def _end_use(self) -> None:
        with self._lock:
            self._in_use -= 1

    def keep_only(self, ledgers: Collection[Ledger]) -> None:
        """Close the connections of all other ledgers, now or when they are given back."""
        with self._lock:
            self._current = set(ledgers)
            gone = [ledger for ledger in self._idle if ledger not in self._current]
            closing = [each for ledger in gone for _, each in self._idle.pop(ledger)]
        for connection in closing:
            connection.close()

    def _count(self) -> int:
        return self._in_use + sum(map(len, self._idle.values()))

    def _pop_oldest(self) -> BaseDatabaseWrapper | None:
        kept = [ledger for ledger, idle in self._idle.items() if idle]
        if not kept:
            return None
        idle = self._idle[min(kept, key=lambda ledger: self._idle[ledger][0][0])]
        return idle.pop(0)[1]


def _new(ledger: Ledger) -> BaseDatabaseWrapper:
    handler = ConnectionHandler({DEFAULT_DB_ALIAS: ledger.database})
    connection = handler.create_connection(DEFAULT_DB_ALIAS)
    # One thread at a time uses it, but not always the same one.
    connection.inc_thread_sharing()
    outages.watch(ledger, connection)
    return connection


outages = Outages()
pool = Pool(MOST)


@contextmanager
def using(ledger: Ledger) -> Iterator[None]:
    """Use the database of a ledger as ``default`` in this thread until the block ends."""
    connection = pool.take(ledger)
    try:
        with named(ledger.host), switched_to(connection):
            yield
    finally:
        pool.give_back(ledger, connection)
