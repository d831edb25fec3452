"""The metrics of approvals, read at each scrape."""

import logging
from collections.abc import Iterator

from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from transfers import clock
from transfers.approvals.models import PENDING, Approval

logger = logging.getLogger("ledger.metrics")


class ApprovalCollector(Collector):
    """Report how many requests wait for a second person, and how long the oldest has waited."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            pending = Approval.objects.filter(status=PENDING)
            found = pending.aggregate(count=Count("pk"), oldest=Min("requested_at"))
            oldest, now = found["oldest"], clock.now()
        except Exception as error:
            # The scrape mustn't fail, because it tells the other figures.
            logger.warning("could not read the approvals: %r", error)
            return
        yield GaugeMetricFamily(
            "ledger_approvals_pending",
            "Requests that wait for the approval of a second person.",
            found["count"],
        )
        yield GaugeMetricFamily(
            "ledger_approvals_oldest_pending_seconds",
            "How long the oldest request has waited for the approval of a second person.",
            0 if oldest is None else max((now - oldest).total_seconds(), 0),
        )
