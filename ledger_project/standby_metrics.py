"""How far the standby is behind that reads are sent to, read at each scrape."""

import logging
from collections.abc import Iterator

from django.conf import settings
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from database.postgresql.replay import READS, lag

logger = logging.getLogger("ledger.metrics")


class StandbyCollector(Collector):
    """Report whether the standby can be read, and its lag. Nothing without a standby."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if READS not in settings.DATABASES:
            return
        up = GaugeMetricFamily(
            "ledger_standby_up", "1 if the standby that reads are sent to can be read, else 0."
        )
        found = []
        try:
            size, seconds = lag()
            found = [
                GaugeMetricFamily(
                    "ledger_standby_lag_bytes",
                    "How much of the primary's WAL the standby hasn't replayed yet.",
                    size,
                ),
                GaugeMetricFamily(
                    "ledger_standby_lag_seconds",
                    "The age of the last commit that the standby has replayed; 0 if it has all.",
                    seconds,
                ),
            ]
        except Exception as error:
            # The scrape mustn't fail, because it tells the other figures.
            logger.warning("could not read the state of the standby: %r", error)
        up.add_metric([], 1 if found else 0)
        yield from [up, *found]
