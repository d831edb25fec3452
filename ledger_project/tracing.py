"""
Traces for OpenTelemetry: a span for each request, and one for each of its SQL statements.

This module is only imported if ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set, and needs
requirements-otel.txt. The other ``OTEL_*`` variables of the SDK work as in its documentation.

Spans contain no paths, queries, headers, bodies or parameters of statements, for the same reason as
the log.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from api.routes import code_of, route_of

# The name of the service, unless OTEL_SERVICE_NAME is set.
NAME = "mini-ledger"
# The most characters of a statement that are exported. Some are several thousand long.
LONGEST_STATEMENT = 1000
# How long a process that stops waits until its last spans are exported, in seconds.
FLUSH_SECONDS = 2

# The caller's span, from the header `traceparent` (W3C Trace Context).
_caller = TraceContextTextMapPropagator()

_provider: TracerProvider | None = None
_lock = threading.Lock()


class TracingMiddleware:
    """Record each request, with its route, its status and its SQL statements."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        tracer = _tracer()
        context = _caller.extract({"traceparent": request.headers.get("traceparent", "")})
        method = request.method or ""
        with tracer.start_as_current_span(method, context, SpanKind.SERVER) as span:
            trace_id = f"{span.get_span_context().trace_id:032x}"
            structlog.contextvars.bind_contextvars(trace_id=trace_id)
            with connection.execute_wrapper(_statements(tracer)):
                response = self.get_response(request)
            route = route_of(request)
            span.update_name(f"{method} {route}" if route else method)
            attributes = {
                "http.request.method": method,
                "http.response.status_code": response.status_code,
                "http.route": route,
                "error.type": code_of(response),
                "ledger.request_id": structlog.contextvars.get_contextvars().get("request_id"),
                "ledger.replayed": "Idempotent-Replayed" in response,
            }
            span.set_attributes(
                {name: each for name, each in attributes.items() if each is not None}
            )
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
        return response


def _statements(tracer: Tracer) -> Callable[..., Any]:
    """Return a wrapper that records the SQL statements of a connection (Django's interface)."""

    def execute_in_span(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql)
        attributes = {
            "db.system.name": connection.vendor,
            "db.query.text": text[:LONGEST_STATEMENT],
        }
        operation = text.split(maxsplit=1)[0].upper() if text.strip() else "SQL"
        with tracer.start_as_current_span(operation, kind=SpanKind.CLIENT, attributes=attributes):
            return execute(sql, params, many, context)

    return execute_in_span


def _tracer() -> Tracer:
    # Created by the first request of each worker, because its thread wouldn't survive the fork.
    global _provider
    with _lock:
        if _provider is None:
            name = os.environ.get("OTEL_SERVICE_NAME") or NAME
            _provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
            _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return _provider.get_tracer("ledger_project")


def flush() -> None:
    """Export the spans of this process that weren't exported yet, for at most ``FLUSH_SECONDS``."""
    if _provider is not None:
        # In a thread, because the collector may not respond.
        thread = threading.Thread(target=_provider.shutdown, daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)
