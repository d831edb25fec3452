"""Errors of requests that the server refuses before Django handles them."""

from typing import Self

from api.errors import ApiError
from api.exceptions import TemporarilyUnavailable


class MalformedRequest(ApiError):
    """The request is invalid or ambiguous. ``detail`` says why."""

    code = "malformed_request"
    status = 400
    meaning = (
        "The request isn't valid HTTP/1.1, contradicts itself, or ended before it was complete. Or "
        "its target contains a fragment (`#`) or a percent-encoded sequence that isn't UTF-8."
    )
    remedy = "Correct the request, or send the whole request again."

    @classmethod
    def example(cls) -> Self:
        return cls("Send the header content-length only once.")


class IncompleteRequest(MalformedRequest):
    """The connection ended before the whole body was received."""

    detail = "The request ended before it was complete. Nothing was done. Send it again."


class RequestTimeout(ApiError):
    code = "request_timeout"
    status = 408
    meaning = "The request took more than ten seconds to arrive."
    remedy = "Send it again, over a faster connection if possible."
    detail = "The request took too long to arrive. Nothing was done."


class LengthRequired(ApiError):
    code = "length_required"
    status = 411
    meaning = "A POST, PUT or PATCH request doesn't state the length of its body."
    remedy = "Send a `Content-Length` header. It is 0 for an empty body."
    detail = "Send a Content-Length header (0 for an empty body) or Transfer-Encoding: chunked."


class Busy(TemporarilyUnavailable):
    """Too many requests are waiting, or this one has waited too long."""

    detail = "The service is overloaded. Nothing was done. Retry with the same Idempotency-Key."


# The errors with which the server may refuse a request that has a body.
OF_BODIES = (MalformedRequest, RequestTimeout, LengthRequired)
