"""Let each request use the database of the ledger that its host names."""

from collections.abc import Callable

import structlog
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from database.switching import current_ledger
from ledger_project.ledgers.pool import using
from ledger_project.ledgers.registry import registry

Handler = Callable[[HttpRequest], HttpResponse]

# What a host of `LEDGER_ALLOWED_HOSTS` that has no ledger serves. (Static files come before.)
OF_THE_SERVICE = {"/", "/docs", "/healthz", "/metrics", "/openapi.json", "/readyz"}


class LedgerMiddleware:
    """
    Use the database of the request's ledger until the response is complete.

    It comes before all middleware that uses the database. Without a ledger there is none.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        ledger = registry().of(request)
        if ledger is None:
            return self.get_response(request)
        # For the line of the request, which is logged outside of this block.
        structlog.contextvars.bind_contextvars(ledger=ledger.host)
        with using(ledger):
            return self.get_response(request)


class RequireLedgerMiddleware:
    """Refuse a request that needs a ledger and whose host has none, like one to an unknown host."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if current_ledger() is None and request.path not in OF_THE_SERVICE:
            raise DisallowedHost("This host has no ledger.")
        return self.get_response(request)
