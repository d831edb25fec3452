"""Run something in order to see what it does, and roll it back."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, transaction


@contextmanager
def rolled_back() -> Iterator[None]:
    """
    Run the block in a transaction, or in a savepoint of the current one, that is rolled back.

    :raises OperationalError: if it couldn't be rolled back to the savepoint, for example because
        the connection was lost
    """
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    # Django raises nothing if that fails. It only notes that the whole transaction must not be
    # committed.
    if not transaction.get_autocommit() and transaction.get_rollback():
        raise OperationalError("What was tried couldn't be rolled back.")
