"""Metrics that are counted for each ledger, if the service has several."""

from typing import TypeVar

from django.conf import settings
from prometheus_client import Counter, Histogram

from database.switching import current_ledger

Metric = TypeVar("Metric", Counter, Histogram)

# The last label of each metric. Without several ledgers there is no such label.
LEDGER_LABEL = ("ledger",) if settings.LEDGERS else ()


def of_ledger(metric: Metric, *values: object, ledger: str | None = None) -> Metric:
    """
    Return the metric with these values of its labels, for a ledger or else the current one.

    A request whose host has no ledger is counted with an empty label, which Prometheus ignores.
    """
    if LEDGER_LABEL:
        values = (*values, ledger or current_ledger() or "")
    return metric.labels(*values) if values else metric
