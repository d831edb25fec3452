"""
Metrics for Prometheus: requests, errors by code, replays, the books, the database and what waits.

If ``PROMETHEUS_MULTIPROC_DIR`` is set, as ``make run`` does, every worker writes its counters to
files in that directory, and the worker that is scraped reports the totals of all.
"""

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.exceptions import NotAuthenticated
from api.metrics import LEDGER_LABEL, of_ledger
from api.operations import Operation
from api.probe import probe
from api.problems import Problem
from api.routes import code_of, route_of
from api.waiting import when_sent
from audit import verdict
from audit.metrics import VerificationCollector
from database.switching import current_ledger
from events.webhooks.metrics import WebhookCollector
from ledger_project.database_metrics import DatabaseCollector
from ledger_project.ledgers.scraping import OfEachLedger
from ledger_project.standby_metrics import StandbyCollector
from transfers.approvals.metrics import ApprovalCollector

logger = logging.getLogger("ledger.metrics")

REQUESTS = Counter(
    "ledger_requests",
    "Requests, by method, route and status.",
    ["method", "route", "status", *LEDGER_LABEL],
)
SECONDS = Histogram(
    "ledger_request_seconds",
    "Response times in seconds, by method and route.",
    ["method", "route", *LEDGER_LABEL],
)
REFUSALS = Counter(
    "ledger_refusals", "Error responses, by the code of the error.", ["code", *LEDGER_LABEL]
)
REPLAYS = Counter("ledger_replays", "Responses replayed for an Idempotency-Key.", LEDGER_LABEL)

# Other methods are counted as "other". Clients can invent methods, and each would be a new series.
KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

# The route of a request that no route matches. Its path isn't a label, for the same reason.
NO_ROUTE = "none"

# In seconds. On a small ledger it is the sum of all entries, too slow for frequent scrapes.
IMBALANCE_LIFETIME = 60

# The headers that proxies and CDNs add to requests, besides `X-Forwarded-*`. A request with one of
# them doesn't come from this machine, even if its address is local.
FORWARDING = {
    *("Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "Client-Ip"),
    *("True-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip", "X-Original-Forwarded-For"),
    *("X-Envoy-External-Address", "X-Azure-Clientip", "X-Appengine-User-Ip", "X-Proxyuser-Ip"),
}


class MetricsMiddleware:
    """Count each request by its method, route, status and error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - started
        # The values, and not the request, which would be kept for as long as it waits for events.
        values = (
            request.method if request.method in KNOWN_METHODS else "other",
            route_of(request) or NO_ROUTE,
            response.status_code,
            code_of(response),
            "Idempotent-Replayed" in response,
            current_ledger(),
        )
        when_sent(request, partial(_count, *values, seconds))
        return response


def _count(
    method: str,
    route: str,
    status: int,
    code: str | None,
    replayed: bool,
    ledger: str | None,
    seconds: float,
) -> None:
    try:
        of_ledger(SECONDS, method, route, ledger=ledger).observe(seconds)
        of_ledger(REQUESTS, method, route, status, ledger=ledger).inc()
        if replayed:
            of_ledger(REPLAYS, ledger=ledger).inc()
        elif code:
            of_ledger(REFUSALS, code, ledger=ledger).inc()
    except Exception as error:
        # For example, the directory may have been deleted. The request mustn't fail.
        logger.warning("could not update the metrics: %r", error)


class ImbalanceCollector(Collector):
    """
    Report credits minus debits by currency. Any value except 0 means that the books are wrong.

    For a large ledger, it is the value of the last ``manage.py verify_ledger``.
    """

    def __init__(self) -> None:
        # By ledger: when it was read, and the figures.
        self.read: dict[str | None, tuple[float, dict[str, int]]] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        ledger, now = current_ledger(), time.monotonic()
        read_at, _ = self.read.get(ledger, (float("-inf"), {}))
        if now - read_at > IMBALANCE_LIFETIME:
            # Set first, so that the next scrape doesn't start a slow sum again.
            self.read[ledger] = now, {}
            try:
                self.read[ledger] = now, verdict.imbalance()
            except Exception as error:
                # For example, the database may be down. The scrape mustn't fail.
                logger.warning("could not read the imbalance: %r", error)
        gauge = GaugeMetricFamily(
            "ledger_imbalance",
            "Credits minus debits, in minor units. Must be 0.",
            labels=["currency"],
        )
        for currency, amount in self.read[ledger][1].items():
            gauge.add_metric([currency], amount)
        yield gauge


imbalance = ImbalanceCollector()

# What is read from the database at each scrape.
read_now = CollectorRegistry(auto_describe=False)
read_now.register(
    OfEachLedger(
        DatabaseCollector(),
        imbalance,
        VerificationCollector(),
        ApprovalCollector(),
        WebhookCollector(),
        StandbyCollector(),
    )
)


class MetricsTokenMissing(NotAuthenticated):
    """A scrape from another machine doesn't have the token."""

    detail = "Scrape from this machine, or send Authorization: Bearer with LEDGER_METRICS_TOKEN."
    headers = {"WWW-Authenticate": 'Bearer realm="metrics"'}


@Operation(
    "getMetrics",
    "Health",
    "Retrieve metrics for Prometheus",
    who="requests from this machine, and requests with the `LEDGER_METRICS_TOKEN`.",
    also={(200, "text/plain"): {"Balanced": 'ledger_imbalance{currency="USD"} 0.0\n'}},
    errors=(NotAuthenticated,),
)
@probe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics to this machine, or to a request with ``LEDGER_METRICS_TOKEN``."""
    if not _may_scrape(request):
        return Problem(MetricsTokenMissing()).response(request)
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        os.makedirs(folder, exist_ok=True)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    else:
        registry = REGISTRY
    body = generate_latest(registry) + generate_latest(read_now)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def _is_forwarded(request: HttpRequest) -> bool:
    """Return whether a proxy (perhaps on this machine) has forwarded the request."""
    return any(name in FORWARDING or name.startswith("X-Forwarded") for name in request.headers)


def _may_scrape(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    bears_token = scheme.lower() == "bearer" and settings.METRICS_TOKEN
    if bears_token and secrets.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        return True
    if _is_forwarded(request):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
