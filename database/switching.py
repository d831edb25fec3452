"""Use another connection wherever the code uses Django's ``default``, in one thread for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def switched_to(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Use this connection as ``default`` in this thread until the block ends. Doesn't close it."""
    usual = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connection
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = usual
