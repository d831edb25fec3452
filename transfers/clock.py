"""
The ledger's clock, which is the database's.

The clocks of application servers differ. If each server used its own for postings, a balance that
one of them has reported for an instant could change afterwards. All servers therefore use one
clock. On PostgreSQL it is the database server's, read when locks were acquired
(``Account.locked_at``) or by the statement that reads the data. On SQLite it is this machine's.

Seeds and tests can set this clock to any instant: see ``at``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from itertools import count
from secrets import randbits
from uuid import UUID

from django.db import connection
from django.db.models import DateTimeField, Expression, Value
from django.db.models.functions import Now
from django.utils import timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# Begins at random, so that two processes are unlikely to use the same number at the same time.
_made = count(randbits(31))
_instant: ContextVar[datetime | None] = ContextVar("ledger_clock", default=None)


def reading(instant: datetime) -> datetime:
    """Return the instant set by ``at``, or else ``instant``, read from the database's clock."""
    return _instant.get() or instant


def now() -> datetime:
    """
    Return the current time (UTC).

    On PostgreSQL this runs a statement. Prefer ``reading`` and ``of_statement``.
    """
    given = _instant.get()
    if given is not None or connection.vendor != "postgresql":
        return given or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def of_statement() -> Expression:
    """Return an expression for the time of the statement that contains it, for unlocked reads."""
    given = _instant.get()
    if given is not None or connection.vendor != "postgresql":
        # SQLite's own function has no microseconds.
        return Value(given or timezone.now(), output_field=DateTimeField())
    return Now()


def ids_at(instant: datetime) -> Iterator[UUID]:
    """
    Yield UUIDv7s for ``instant`` (UTC), without end.

    The ids that one process generates are in ascending order as long as the instants don't
    decrease.
    """
    milliseconds, microseconds = divmod((instant - EPOCH) // MICROSECOND, 1000)
    # RFC 9562: 48 bits of milliseconds, the version, 12 bits of sub-millisecond time (§6.2, method
    # 3), the variant, then 32 bits of a counter and 30 random bits.
    fraction = microseconds * 4096 // 1000
    time = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62
    while True:
        yield UUID(int=time | (next(_made) & 0xFFFF_FFFF) << 30 | randbits(30))


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """
    Set the clock to ``instant`` (UTC) for the code inside the block and the ids it generates.

    The times of an account's entries still never decrease: see ``posting``.
    """
    token = _instant.set(instant)
    try:
        yield
    finally:
        _instant.reset(token)
