"""The ledger's clock. What reads the time here can be run at another time: a seed, or a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from itertools import count
from secrets import randbits
from uuid import UUID

from django.utils import timezone
from uuid_utils.compat import uuid7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_made = count()
_instant: ContextVar[datetime | None] = ContextVar("ledger_clock", default=None)


def now() -> datetime:
    """Return the time, in UTC."""
    return _instant.get() or timezone.now()


def new_id() -> UUID:
    """
    Return a UUIDv7 of this clock's time.

    Ids that one process makes within a millisecond keep the order in which it made them.
    """
    instant = _instant.get()
    if instant is None:
        return uuid7()
    # For a time that is given, uuid7() doesn't keep the order. RFC 9562: 48 bits of milliseconds,
    # the version, the variant, and the rest is ours.
    milliseconds = (instant - EPOCH) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | next(_made) << 30 | randbits(30))


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """
    Let the clock stand at ``instant`` (UTC) for what runs inside, and for the ids that it makes.

    Within an account time still never runs backwards: see ``posting``.
    """
    token = _instant.set(instant)
    try:
        yield
    finally:
        _instant.reset(token)
