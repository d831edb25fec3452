"""
The order of events: that in which they became visible to readers, without gaps that fill later.

On PostgreSQL neither ids nor sequences are in the order of commits: a transaction may take a number
first and commit last. A reader that has gone past that number would never see its event. So each
event has the id of its transaction, and readers only see events of transactions below the oldest
one that is still running. SQLite has one writer at a time, so there the number alone is the order.

The order is the same on a hot standby. A snapshot's oldest running transaction is there the oldest
one that was running on the primary at this point of the replay, whether it had written or not.

Transaction ids count per database cluster. ``TransactionOffset`` keeps them increasing if a dump is
restored into a cluster whose ids are lower.
"""

from typing import Any, NamedTuple

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField
from django.db.models.expressions import RawSQL

# What is added to the ids of transactions. There is no row unless an id had to be raised.
OFFSET = "(SELECT coalesce(max(added), 0) FROM events_transactionoffset)"
# The id of the oldest running transaction. All below it have ended.
OLDEST_RUNNING = f"(pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {OFFSET})"


# The id of a transaction that hasn't begun yet. A snapshot may end before its own transaction.
NEXT_TRANSACTION = """greatest(
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
    pg_current_xact_id_if_assigned()::text::bigint + 1
)"""


class Position(NamedTuple):
    """The place of an event in the log, which a reader continues after."""

    transaction: int
    number: int


START = Position(-1, 0)


def end_of_log(connection: BaseDatabaseWrapper) -> Position:
    """
    Return the place of the newest event that readers see, or the start of an empty log.

    No event will appear before it any more. The events up to it are those that
    ``EventQuerySet.visible`` returns at this moment. On PostgreSQL it isn't the newest transaction
    that has ended: after a restore, ``continue_order`` knows the ids in the log and no others.
    """
    visible = "" if connection.vendor == "sqlite" else f"WHERE transaction < {OLDEST_RUNNING}"
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "transaction", number FROM events_event {visible}'
            ' ORDER BY "transaction" DESC, number DESC LIMIT 1'
        )
        row = cursor.fetchone()
    return START if row is None else Position(*row)


def oldest_running() -> RawSQL:
    """Return the id of the oldest running transaction, for a query on PostgreSQL."""
    return RawSQL(OLDEST_RUNNING, [], output_field=BigIntegerField())


def is_behind(connection: BaseDatabaseWrapper) -> bool:
    """
    Return whether the log has events of transactions that haven't begun in this cluster.

    That is so after a dump was restored, until ``migrate`` has run.
    """
    return _shortfall(connection) > 0


def continue_order(using: str, **_signal: Any) -> None:
    """After a ``migrate``, make sure that new events come after those of a restored dump."""
    connection = connections[using]
    if "events_event" not in connection.introspection.table_names():
        return
    if (shortfall := _shortfall(connection)) > 0:
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO events_transactionoffset (added) SELECT {OFFSET} + %s", [shortfall]
            )


def _shortfall(connection: BaseDatabaseWrapper) -> int:
    """Return by how much transaction ids must be raised to be above those in the log."""
    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT max(transaction) + 1 - {NEXT_TRANSACTION} - {OFFSET} FROM events_event"
        )
        return cursor.fetchone()[0] or 0
