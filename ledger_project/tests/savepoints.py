"""Several cases in one test, each of which starts with the rows that the test has made."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


@contextmanager
def rolled_back() -> Iterator[None]:
    """
    Roll back what the block writes.

    ``atomic`` would do the same, but a durable transaction can't start inside of it.
    """
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)
