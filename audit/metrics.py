"""Metrics of the last ``manage.py verify_ledger``, read at each scrape."""

import logging
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from audit import verdict

logger = logging.getLogger("ledger.metrics")


class VerificationCollector(Collector):
    """Report the result and the time of the stored report, if there is one that can be read."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            report = verdict.stored()
        except Exception as error:
            # The scrape mustn't fail, because it tells the other figures.
            logger.warning("could not read the last verification: %r", error)
            return
        if report is None:
            return
        yield GaugeMetricFamily(
            "ledger_verification_ok",
            "1 if the last verify_ledger found nothing wrong, else 0.",
            int(report.ok),
        )
        yield GaugeMetricFamily(
            "ledger_verification_timestamp_seconds",
            "When the last verify_ledger checked the ledger, as a Unix time.",
            report.checked_at.timestamp(),
        )
