"""For the tests of backups: post money meanwhile, and check the guards afterwards."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from accounts.models import Account
from ledger_project.tests.live import PATIENCE
from transfers.services import deposit


@contextmanager
def posting(account: Account, actor: User) -> Iterator[None]:
    """Deposit 1 again and again, at least once before the block and once after it."""
    begun, stopping, errors = threading.Event(), threading.Event(), []

    def post() -> None:
        try:
            while not stopping.is_set():
                deposit(account_id=account.pk, amount=1, actor=actor)
                begun.set()
            deposit(account_id=account.pk, amount=1, actor=actor)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=post)
    thread.start()
    try:
        assert begun.wait(PATIENCE), errors
        yield
    finally:
        stopping.set()
        thread.join(PATIENCE)
    assert errors == []


def require_guarded_history() -> None:
    """Check that the database refuses to change or delete a transfer."""
    for change in ("UPDATE transfers_transfer SET amount = 1", "DELETE FROM transfers_transfer"):
        refused = pytest.raises(DatabaseError, match="append-only")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
