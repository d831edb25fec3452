"""What the server refuses before Django sees the request."""

from typing import Self

from api.errors import ApiError
from api.exceptions import TemporarilyUnavailable


class MalformedRequest(ApiError):
    """The meaning of a request isn't certain. ``detail`` says why."""

    code = "malformed_request"
    status = 400
    meaning = (
        "The request isn't valid HTTP/1.1, contradicts itself, or ended before it was complete. Or "
        "its target has a fragment (`#`), or an escape that isn't UTF-8."
    )
    remedy = "Correct the request, or send the whole request again."

    @classmethod
    def example(cls) -> Self:
        return cls("Send content-length once.")


class BrokenOff(MalformedRequest):
    """The request ended before its body did."""

    detail = "The request broke off before its end. Nothing was done; send it again."


class RequestTimeout(ApiError):
    code = "request_timeout"
    status = 408
    meaning = "The request took more than ten seconds to arrive."
    remedy = "Send it again over a faster connection."
    detail = "The request took too long to arrive. Nothing was done."


class LengthRequired(ApiError):
    code = "length_required"
    status = 411
    meaning = "A POST or PATCH doesn't say how long its body is."
    remedy = "Send `Content-Length`. It is 0 for an empty body."
    detail = "Send a Content-Length, or Transfer-Encoding: chunked. It is 0 for an empty body."


class Busy(TemporarilyUnavailable):
    """More requests wait than can be served soon."""

    detail = "The ledger has too much to do. Nothing was done; retry with the same Idempotency-Key."


# What may refuse an operation that takes a body.
OF_BODIES = (MalformedRequest, RequestTimeout, LengthRequired)
