"""Several cases or tests that start with the same rows, which are made once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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


@contextmanager
def kept_for_module(blocker: Any) -> Iterator[None]:
    """
    Keep what the block writes for the tests of a module, and roll it back at the end.

    Each test's own transaction is a savepoint in that of the block. Tests with real commits can't
    use what the block has written.

    :param blocker: pytest-django's ``django_db_blocker``
    """
    with blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
