"""
What a database that can only be read, such as a hot standby, knows of the past.

On the primary, a reader that needs to know what was posted up to an instant locks the account and
so waits for whoever is posting to it. A standby grants no locks. It knows as much all the same:

- Whoever posts locks a row first, and reads the clock after that. The lock is in the WAL before
  the time is known. So once a standby has replayed a commit that was made after an instant, it has
  replayed every lock that was acquired up to then, and knows the ids of those transactions.
- It sees each of them end. As soon as its oldest running transaction is newer than all ids that it
  knew at that point, everything that could be posted up to the instant is there, or never will be.
"""

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

# For how many seconds to wait for transactions to end. Most last a few milliseconds.
PATIENCE = 0.5
LOOK_EVERY_SECONDS = 0.01
# The clocks of the primary and of a standby may differ by this much.
SKEW = timedelta(minutes=1)

# Without a commit on the primary, the time of the last one that was replayed stands still. A
# database that isn't a standby has the clock that postings read.
HAS_REACHED = """
    SELECT CASE WHEN pg_is_in_recovery()
        THEN coalesce(pg_last_xact_replay_timestamp() > %s, false)
        ELSE clock_timestamp() > %s END
"""
# The id of the next transaction. The snapshot itself ends after the last one that has ended, and
# others may be running after it.
NEXT = """
    SELECT newest::text::bigint + age(newest::xid)
    FROM pg_snapshot_xmax(pg_current_snapshot()) AS newest
"""
OLDEST_RUNNING = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


def past(instants: Collection[datetime]) -> list[datetime]:
    """Return those of the instants that aren't in the future."""
    if not instants:
        return []
    now = _value("SELECT clock_timestamp()")
    return [instant for instant in instants if instant <= now + SKEW]


def knows_all_until(instant: datetime) -> bool:
    """
    Return whether the database shows everything whose row locks were acquired up to an instant.

    Nothing can then be committed any more with a time up to the instant. Waits for up to
    ``PATIENCE`` seconds for transactions to end. A statement that begins after this sees what they
    have committed.
    """
    if not _value(HAS_REACHED, instant, instant):
        return False
    # Only now, so that the ids include those of all transactions that had a lock at the instant.
    following = _value(NEXT)
    deadline = time.monotonic() + PATIENCE
    while _value(OLDEST_RUNNING) < following:
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_SECONDS)
    return True


def _value(sql: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]
