"""
The ledger's clock is the database's.

The clocks of two application servers differ. If each dated what it posts by its own, a balance that
one of them has stated for an instant could change afterwards. There is one clock instead: on
PostgreSQL the server's, read after the locks were granted (``Account.locked_at``) or by the
statement that reads; on SQLite this machine's, which is where its database is.

What asks here for the time can be run at another time: a seed, or a test.
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

# It begins anywhere, so that two processes rarely make ids of the same number at the same time.
_made = count(randbits(31))
_instant: ContextVar[datetime | None] = ContextVar("ledger_clock", default=None)


def reading(instant: datetime) -> datetime:
    """Return a reading of the database's clock, or the time at which what runs here is run."""
    return _instant.get() or instant


def now() -> datetime:
    """Return the time, in UTC. On PostgreSQL it takes a statement: prefer the other readings."""
    given = _instant.get()
    if given is not None or connection.vendor != "postgresql":
        return given or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def of_statement() -> Expression:
    """Return the time of the statement that this is a part of: for reads, which take no lock."""
    given = _instant.get()
    if given is not None or connection.vendor != "postgresql":
        # SQLite's own function knows no microseconds.
        return Value(given or timezone.now(), output_field=DateTimeField())
    return Now()


def ids_at(instant: datetime) -> Iterator[UUID]:
    """
    Make UUIDv7s of ``instant``, as many as are taken.

    Those that one process makes for one instant, or for ever later ones, have the order in which
    they were made.
    """
    milliseconds, microseconds = divmod((instant - EPOCH) // MICROSECOND, 1000)
    # RFC 9562: 48 bits of milliseconds, the version, 12 bits of what is left of the time (§6.2,
    # method 3), the variant, and the rest is ours.
    fraction = microseconds * 4096 // 1000
    time = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62
    while True:
        yield UUID(int=time | (next(_made) & 0xFFFF_FFFF) << 30 | randbits(30))


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
