"""Transactions of others that stay open while a test looks at what readers see."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event as Signal
from threading import Thread
from typing import Any

from django.db import connection, transaction

LONG = 300


@contextmanager
def held_open(work: Callable[[], Any]) -> Iterator[Any]:
    """Run ``work`` in a transaction of its own that commits at the end of the block."""
    done, finish, results = Signal(), Signal(), []

    def run() -> None:
        try:
            with transaction.atomic():
                results.append(work())
                done.set()
                assert finish.wait(LONG)
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    try:
        assert done.wait(LONG)
        yield results[0]
    finally:
        finish.set()
        thread.join(LONG)
