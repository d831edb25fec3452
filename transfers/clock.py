"""The ledger's clock. What reads the time here can be run at another time: a seed, or a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

_instant: ContextVar[datetime | None] = ContextVar("ledger_clock", default=None)


def now() -> datetime:
    """Return the time, in UTC."""
    return _instant.get() or timezone.now()


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """
    Let the clock stand at ``instant`` (UTC) for what runs inside.

    Within an account time still never runs backwards: see ``posting``.
    """
    token = _instant.set(instant)
    try:
        yield
    finally:
        _instant.reset(token)
