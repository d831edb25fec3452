"""
What the server refuses before it reaches a view.

Django answers it, so that it is logged and counted like any other request. Only what can't be read
as a request is answered by ``bare``: it is logged, but not counted in ``/metrics``.
"""

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from api.errors import ApiError
from api.problems import MEDIA_TYPE, Problem

# Where the environment of a refused request carries the reason.
REFUSAL = "ledger.refusal"


def bare(error: ApiError, request_id: str) -> bytes:
    """Return a whole answer, in bytes, to what can't be read as a request."""
    body = json.dumps(Problem(error).body("")).encode()
    lines = [
        f"HTTP/1.1 {error.status} {error.title}",
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
        refusal: ApiError | None = request.META.get(REFUSAL)
        return self.get_response(request) if refusal is None else Problem(refusal).response(request)
