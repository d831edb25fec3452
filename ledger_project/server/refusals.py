"""
The responses to requests that the server refuses.

They pass through Django, so they are logged and counted like all other responses. The exception is
a request that can't be parsed: ``raw_response`` makes its response, which is logged but isn't
counted in ``/metrics``.
"""

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from api.errors import ApiError
from api.problems import MEDIA_TYPE, Problem
from api.routes import described

# The key of the WSGI environment under which a refused request has its error.
REFUSAL = "ledger.refusal"


def raw_response(error: ApiError, request_id: str) -> bytes:
    """Return the bytes of the response to a request that can't be parsed."""
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
    Respond to a refused request: with a problem document in the API, and a page in the admin.

    It must come before every middleware that needs the database or the body.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refusal: ApiError | None = request.META.get(REFUSAL)
        if refusal is None:
            return self.get_response(request)
        return Problem(described(refusal, request.path_info)).response(request)
