"""The metric of webhooks, read at each scrape."""

import logging
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Min
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from events.models import Event
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.statuses import EndpointStatus
from transfers import clock

logger = logging.getLogger("ledger.metrics")

# What is due to a disabled webhook, or to one whose owner is inactive, waits on purpose.
ACTIVE = {"status": EndpointStatus.ENABLED, "owner__is_active": True}


class WebhookCollector(Collector):
    """Report how long the oldest event has waited for its delivery."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            waiting, now = _oldest_waiting(), clock.now()
        except Exception as error:
            # The scrape mustn't fail, because it tells the other figures.
            logger.warning("could not read the state of webhooks: %r", error)
            return
        age = GaugeMetricFamily(
            "ledger_webhook_oldest_waiting_seconds",
            "How long the oldest event has waited that isn't delivered to an enabled webhook.",
        )
        age.add_metric([], 0 if waiting is None else max((now - waiting).total_seconds(), 0))
        yield age


def _oldest_waiting() -> datetime | None:
    """Return the time of the oldest event that waits, whether it has a delivery yet or not."""
    deliveries = Delivery.objects.filter(
        due_at__isnull=False, **{f"endpoint__{name}": value for name, value in ACTIVE.items()}
    )
    times = [deliveries.aggregate(first=Min("created_at"))["first"], _oldest_unread()]
    return min((time for time in times if time is not None), default=None)


def _oldest_unread() -> datetime | None:
    """Return the time of the first event of which no deliveries have been made yet."""
    behind = Endpoint.objects.filter(**ACTIVE).order_by("transaction", "number").first()
    if behind is None:
        return None
    unread = Event.objects.visible().after(behind.position).in_order()
    return unread.values_list("created_at", flat=True).first()
