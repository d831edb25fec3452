"""Fixtures for the tests of events."""

from collections.abc import Callable

import pytest
from django.db import connection

from events.models import TransactionOffset
from transfers.tests.conftest import all_rows, dest, source

__all__ = ["all_rows", "dest", "source"]

# More than the id of any transaction in a test.
FAR = 10**12


@pytest.fixture
def publish() -> Callable[[], None]:
    """
    Return a function that makes the events of the test's own transaction visible to it.

    On PostgreSQL an event is visible when its transaction has ended. The test's never does, so the
    transactions that follow get larger ids.
    """

    def shift() -> None:
        if connection.vendor == "postgresql":
            TransactionOffset.objects.create(added=FAR * (1 + TransactionOffset.objects.count()))

    return shift
