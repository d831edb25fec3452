"""
What the server refuses before it reaches a view.

Django answers it, so that it is logged and counted like any other request. Only what can't be read
as a request is answered by ``bare``: it is logged, but not counted in ``/metrics``.
"""

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from api.problems import MEDIA_TYPE, Problem

# Where the environment of a refused request carries the reason.
REFUSAL = "ledger.refusal"


def malformed(detail: str) -> Problem:
    """Return the answer to a request whose meaning, or whose end, isn't certain."""
    return Problem(400, "malformed_request", detail)


def broken_off() -> Problem:
    """Return the answer to a request that ended before its body did."""
    return malformed("The request broke off before its end. Nothing was done; send it again.")


def timed_out() -> Problem:
    """Return the answer to a request that didn't arrive within its deadline."""
    return Problem(408, "request_timeout", "The request took too long to arrive. Nothing was done.")


def length_required() -> Problem:
    """Return the answer to a write that doesn't say how long its body is."""
    return Problem(
        411,
        "length_required",
        "Send a Content-Length, or Transfer-Encoding: chunked. It is 0 for an empty body.",
    )


def busy() -> Problem:
    """Return the answer while more requests wait than can be served soon."""
    return Problem(
        503,
        "temporarily_unavailable",
        "The ledger has too much to do. Nothing was done; retry with the same Idempotency-Key.",
        retry_after=1,
    )


def bare(problem: Problem, request_id: str) -> bytes:
    """Return a whole answer, in bytes, to what can't be read as a request."""
    body = json.dumps(problem.body("")).encode()
    lines = [
        f"HTTP/1.1 {problem.status} {problem.title}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        f"x-request-id: {request_id}",
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class RefusalMiddleware:
    """
    Answer what the server has refused, in the format of the face that it was sent to.

    It comes before every middleware that needs the database or the body.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refusal: Problem | None = request.META.get(REFUSAL)
        return self.get_response(request) if refusal is None else refusal.response(request)
