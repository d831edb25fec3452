"""Metrics of the database, read at each scrape."""

import logging
from collections.abc import Iterator

from django.db import connection
from django.db.models import Max
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from events.models import Event
from transfers import clock

logger = logging.getLogger("ledger.metrics")

# Connections to this database by their state, such as "active" or "idle in transaction", and of the
# server with all its databases, how many there are and how many it accepts.
CONNECTIONS = """
    SELECT COALESCE(state, 'unknown'), count(*),
        (SELECT sum(numbackends)::int FROM pg_stat_database),
        current_setting('max_connections')::int
    FROM pg_stat_activity WHERE datname = current_database() GROUP BY state
"""

# Commits of this role, which stay here also after their requests were answered with 503.
COMMIT_WAIT = """
    SELECT COALESCE(extract(epoch FROM clock_timestamp() - min(query_start)), 0)::float
    FROM pg_stat_activity WHERE usename = current_user AND wait_event = 'SyncRep'
"""


class DatabaseCollector(Collector):
    """Report whether the database can be reached, and on PostgreSQL who is connected to it."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("ledger_database_up", "1 if the database can be reached, else 0.")
        found = []
        try:
            states = self._read()
            up.add_metric([], 1)
            found += [*_connections(states)] if states else []
            found += [_log_position()]
            found += [_hidden_events(), _commit_wait()] if states else []
        except Exception as error:
            # The scrape mustn't fail, because it tells the other figures.
            logger.warning("could not read the state of the database: %r", error)
            if not up.samples:
                up.add_metric([], 0)
        yield from [up, *found]

    def _read(self) -> list[tuple[str, int, int, int]]:
        with connection.cursor() as cursor:
            if connection.vendor != "postgresql":
                cursor.execute("SELECT 1")
                return []
            cursor.execute(CONNECTIONS)
            return cursor.fetchall()


def _log_position() -> GaugeMetricFamily:
    newest = Event.objects.aggregate(newest=Max("number"))["newest"]
    return GaugeMetricFamily(
        "ledger_events_newest", "The number of the newest event in the log.", newest or 0
    )


def _hidden_events() -> GaugeMetricFamily:
    oldest = Event.objects.hidden().in_order().values_list("created_at", flat=True).first()
    return GaugeMetricFamily(
        "ledger_events_hidden_seconds",
        "How long the oldest event has been hidden from readers by a transaction that is still"
        " open. PostgreSQL only.",
        0 if oldest is None else max((clock.now() - oldest).total_seconds(), 0),
    )


def _commit_wait() -> GaugeMetricFamily:
    with connection.cursor() as cursor:
        cursor.execute(COMMIT_WAIT)
        return GaugeMetricFamily(
            "ledger_commit_wait_seconds",
            "How long the oldest commit has waited for a synchronous standby. PostgreSQL only.",
            cursor.fetchone()[0],
        )


def _connections(states: list[tuple[str, int, int, int]]) -> Iterator[GaugeMetricFamily]:
    gauge = GaugeMetricFamily(
        "ledger_database_connections",
        "Connections to this database of any program, by their state. PostgreSQL only.",
        labels=["state"],
    )
    for state, number, _, _ in states:
        gauge.add_metric([state], number)
    yield gauge
    _, _, used, limit = states[0]
    yield GaugeMetricFamily(
        "ledger_database_server_connections",
        "Connections to all databases of the server, of any program. PostgreSQL only.",
        used,
    )
    yield GaugeMetricFamily(
        "ledger_database_connections_limit",
        "The max_connections of the server, for all its databases. PostgreSQL only.",
        limit,
    )
