"""
Use another connection wherever the code uses Django's ``default``, in one thread and for a while.

A service with several ledgers uses it, because each ledger is a database of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_ledger: ContextVar[str | None] = ContextVar("ledger", default=None)
# The ledger of a whole process, such as a command that was started for one.
_of_process: str | None = None


@contextmanager
def switched_to(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Use this connection as ``default`` in this thread until the block ends. Doesn't close it."""
    usual = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connection
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = usual


def current_ledger() -> str | None:
    """Return the name of the ledger that this thread works for, or None if there is only one."""
    return _ledger.get() or _of_process


@contextmanager
def named(ledger: str) -> Iterator[None]:
    """Work for this ledger until the block ends. A task that begins in it works for it, too."""
    token = _ledger.set(ledger)
    try:
        yield
    finally:
        _ledger.reset(token)


def name_process(ledger: str) -> None:
    """Let all threads of this process work for one ledger, whose database is ``default``."""
    global _of_process
    _of_process = ledger
