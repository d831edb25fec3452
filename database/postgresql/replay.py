"""
Whether a standby has replayed everything that was committed on its primary by some moment.

A position is where the WAL ends on the primary's disk: its timeline and its LSN, as a text. A
commit is acknowledged only after it is on the disk. So whoever knows of a commit before the
position is read, knows of one before the position. A standby that has replayed up to it shows that
commit, and all others before it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from database.exceptions import UnusableDatabase
from database.switching import switched_to

# The alias of the standby that reads are sent to, in ``DATABASES``.
READS = "reads"

LOOK_EVERY_SECONDS = 0.001
# A standby that replays what is new within this time isn't behind.
GRACE_SECONDS = 0.5

# NULL on a standby.
POSITION = """
    CASE WHEN NOT pg_is_in_recovery() THEN
        left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) || ' ' || pg_current_wal_flush_lsn()
    END
"""
# A standby of the same server, with the same tables.
IDENTITY = "ARRAY[system_identifier::text, current_database(), current_schema()]"
# A standby whose timeline is another one may have replayed what its primary has lost since. It
# writes down the timeline with its next checkpoint (or "restartpoint").
STATE = f"""
    SELECT pg_is_in_recovery(), {IDENTITY} = %s,
        lpad(upper(to_hex(timeline_id)), 8, '0') = %s
            AND coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, false)
    FROM pg_control_system(), pg_control_checkpoint()
"""

REPLAYED = """
    SELECT pg_wal_lsn_diff(%s::pg_lsn, pg_last_wal_replay_lsn())::bigint,
        pg_last_xact_replay_timestamp()
"""


def position_of(primary: BaseDatabaseWrapper) -> str | None:
    """Return the position of a primary now, or None if it is a standby."""
    with primary.cursor() as cursor:
        cursor.execute(f"SELECT {POSITION}")
        position: str | None = cursor.fetchone()[0]
        return position


def identity_of(primary: BaseDatabaseWrapper) -> list[str]:
    """Return what the database has in common with its standbys, and with no other database."""
    with primary.cursor() as cursor:
        cursor.execute(f"SELECT {IDENTITY} FROM pg_control_system()")
        identity: list[str] = cursor.fetchone()[0]
        return identity


def has_replayed(
    standby: BaseDatabaseWrapper, position: str, identity: list[str], seconds: float
) -> bool:
    """
    Return whether a standby has replayed up to a position of its primary.

    Waits for it for up to ``seconds``.

    :param identity: the ``identity_of`` the primary
    :raises UnusableDatabase: if the database isn't a standby of this primary
    """
    deadline = time.monotonic() + seconds
    while not _has_replayed(standby, position, identity):
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_EVERY_SECONDS)
    return True


@contextmanager
def on_current_standby(seconds: float) -> Iterator[None]:
    """
    Use the standby in the place of the default database, with all that is committed at the start.

    :raises OperationalError: if it hasn't replayed that within ``seconds``
    """
    position, identity = position_of(connection), identity_of(connection)
    standby = connections[READS]
    if position is None or not has_replayed(standby, position, identity, seconds):
        raise OperationalError(f"it is more than {seconds:g} seconds behind")
    with switched_to(standby):
        yield


def _has_replayed(standby: BaseDatabaseWrapper, position: str, identity: list[str]) -> bool:
    timeline, _, lsn = position.partition(" ")
    with standby.cursor() as cursor:
        cursor.execute(STATE, [identity, timeline, lsn])
        is_standby, is_ours, is_there = cursor.fetchone()
    if not is_standby:
        raise UnusableDatabase("The database of LEDGER_READ_DATABASE_URL isn't a standby.")
    if not is_ours:
        raise UnusableDatabase(
            "The database of LEDGER_READ_DATABASE_URL isn't a standby of LEDGER_DATABASE_URL."
        )
    return bool(is_there)


def lag() -> tuple[int, float]:
    """
    Return how far the standby is behind its primary: in bytes of WAL, and in seconds.

    The seconds are the age of the last commit that it has replayed, or 0 if it has replayed all.
    After a quiet hour that age is an hour, so the standby first gets a moment to replay a commit
    that is just being made.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn()::text, clock_timestamp()")
        end, now = cursor.fetchone()
    deadline = time.monotonic() + GRACE_SECONDS
    while True:
        with connections[READS].cursor() as cursor:
            cursor.execute(REPLAYED, [end])
            size, replayed_at = cursor.fetchone()
        if size <= 0 or replayed_at is None:
            return max(size, 0), 0.0
        if time.monotonic() >= deadline:
            return size, max((now - replayed_at).total_seconds(), 0.0)
        time.sleep(LOOK_EVERY_SECONDS)
