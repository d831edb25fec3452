"""The errors of HTTP requests that are found before any rule of the ledger is checked."""

from math import ceil
from typing import Self

from api.errors import ApiError

# In bytes. A viewset can set `max_body` to another limit.
LARGEST_BODY = 64 * 1024

# A GET has no key.
SEND_AGAIN = "Send the request again, with the same Idempotency-Key if it has one."

# The details of what is wrong with one member of a body, or with one query parameter.
UNKNOWN_FIELD = "There is no such field. Leave it out, or check its spelling."
NOT_AN_OBJECT = "Send a JSON object."
NOT_AN_INTEGER = 'Send a JSON integer such as 5, not 5.0, "5" or true.'


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


class MalformedJson(ApiError):
    code = "malformed_json"
    status = 400
    title = "Malformed JSON"
    meaning = "The body isn't valid JSON, names a member twice, or is nested too deeply."
    remedy = "Correct the body."
    page = ("This request can't be read", "Go back, reload the page, and try again.")
    detail = "The request can't be read."

    @classmethod
    def example(cls) -> Self:
        return cls("The body is not valid JSON: Expecting value: line 1 column 1 (char 0).")


class InvalidHost(ApiError):
    code = "invalid_host"
    status = 400
    meaning = "The service doesn't accept requests for this host name."
    remedy = "Check the URL. `LEDGER_ALLOWED_HOSTS` and `LEDGER_LEDGERS` set the host names."
    detail = "The service doesn't accept requests for this host name."


class InvalidCursor(ApiError):
    code = "invalid_cursor"
    status = 400
    meaning = "The cursor was changed, or wasn't made for this list with these filters."
    remedy = (
        "Request the first page of a list again, without `cursor`. Read the events from the last "
        "cursor that worked."
    )
    detail = "Invalid cursor: request the first page again."


class NotAuthenticated(ApiError):
    code = "not_authenticated"
    status = 401
    meaning = "No token was sent."
    remedy = "Send `Authorization: Bearer …` with an access token."
    detail = "Send an access token in the Authorization header. Get one at /auth/token."
    headers = {"WWW-Authenticate": 'Bearer realm="api"'}


class AuthenticationFailed(ApiError):
    code = "authentication_failed"
    status = 401
    meaning = "The name and the password don't match, or the user is deactivated."
    remedy = "Check the name and the password."
    detail = "The name and the password don't match, or the user is deactivated."
    headers = NotAuthenticated.headers


class TokenNotValid(ApiError):
    code = "token_not_valid"
    status = 401
    meaning = "The token is forged, expired or revoked, or is a refresh token that was used before."
    remedy = "Refresh the token, log in again, or obtain another one with the service key."
    detail = "The token is invalid, expired or revoked. Get a new one at /auth/token."
    headers = NotAuthenticated.headers


class PermissionDenied(ApiError):
    code = "permission_denied"
    status = 403
    meaning = "You may see this, but you don't have the permission to do what you asked for."
    remedy = "Ask the operator for the permission, or ask someone who has it."
    page = (
        "You may not do this",
        "Your user lacks the permission for this page. Ask whoever manages the users.",
    )
    detail = "You don't have permission to do this."


class NotFound(ApiError):
    code = "not_found"
    status = 404
    meaning = "There is nothing at this URL."
    remedy = "Check the URL: it has no trailing slash, and ids are UUIDs."
    page = ("There is nothing here", "Check the address, or start from the home page.")
    detail = "There is nothing at this URL. See /docs for all routes."


class MethodNotAllowed(ApiError):
    code = "method_not_allowed"
    status = 405
    meaning = "The URL doesn't support this method."
    remedy = "Use a method that the `Allow` header names."
    detail = "The URL doesn't support this method. The Allow header names those that it supports."


class NotAcceptable(ApiError):
    code = "not_acceptable"
    status = 406
    meaning = "`Accept` excludes every media type that the route can respond with."
    remedy = "Accept `application/json`."
    detail = (
        "The Accept header excludes every media type of this route. Send Accept: application/json."
    )


class RequestTimeout(ApiError):
    code = "request_timeout"
    status = 408
    meaning = "The request took more than ten seconds to arrive."
    remedy = "Send it again, over a faster connection if possible."
    detail = "The request took too long to arrive. Nothing was done."


class LengthRequired(ApiError):
    code = "length_required"
    status = 411
    meaning = "A POST or PATCH request doesn't state the length of its body."
    remedy = "Send a `Content-Length` header. It is 0 for an empty body."
    detail = "Send a Content-Length header (0 for an empty body) or Transfer-Encoding: chunked."


class PayloadTooLarge(ApiError):
    code = "payload_too_large"
    status = 413
    meaning = "The body is larger than the route allows."
    remedy = "Send less, or split a batch into several."
    page = ("That is too much at once", "Select fewer items, and try again.")

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body may be at most {limit} bytes long.")

    @classmethod
    def example(cls) -> Self:
        return cls(LARGEST_BODY)


class UnsupportedMediaType(ApiError):
    code = "unsupported_media_type"
    status = 415
    meaning = "The body isn't declared as JSON, or it has a `Content-Encoding`."
    remedy = "Send `Content-Type: application/json`, and don't compress the body."
    detail = "Send the body as application/json."


class EncodedBody(UnsupportedMediaType):
    """The body has a ``Content-Encoding``."""

    detail = "Send the body uncompressed and without Content-Encoding: no encoding is supported."


class ValidationFailed(ApiError):
    """:param errors: the errors, each with a ``pointer``, a ``code`` and a ``detail``"""

    code = "validation_failed"
    status = 422
    meaning = "A member or query parameter is missing or unknown, or has the wrong type or size."
    remedy = "Correct what `errors` points at."
    page = PayloadTooLarge.page

    def __init__(self, errors: list[dict[str, str]]) -> None:
        detail = "; ".join(f"{each['pointer']}: {each['detail']}" for each in errors[:3])
        super().__init__(detail, errors=errors)

    @classmethod
    def example(cls) -> Self:
        return cls([{"pointer": "#/amount", "code": "invalid", "detail": NOT_AN_INTEGER}])


class Throttled(ApiError):
    """:param wait: the seconds until the next attempt is allowed"""

    code = "throttled"
    status = 429
    meaning = (
        "Too many logins failed from this network, or for this name from networks that are new to "
        "it."
    )
    remedy = "Wait for `Retry-After` seconds."

    def __init__(self, wait: float) -> None:
        seconds = max(1, ceil(wait))
        unit = "second" if seconds == 1 else "seconds"
        super().__init__(f"Too many logins failed. Try again in {seconds} {unit}.")
        self.retry_after = seconds

    @classmethod
    def example(cls) -> Self:
        return cls(42)


class InternalError(ApiError):
    code = "internal_error"
    status = 500
    meaning = "The ledger failed, and nothing was done."
    remedy = "Retry with the same key. If it happens again, report the `X-Request-ID`."
    page = (
        "The ledger failed",
        "Nothing was changed. If it happens again, report the time and the address of this page.",
    )
    detail = (
        f"The ledger failed, and nothing was done. {SEND_AGAIN} If it happens again, report the "
        "X-Request-ID of this response."
    )


class TemporarilyUnavailable(ApiError):
    code = "temporarily_unavailable"
    status = 503
    meaning = (
        "The database can't be reached, or the service has too much to do. Either nothing was "
        "done, or it was done and a retry replays the response."
    )
    remedy = "Retry with the same key after `Retry-After` seconds."
    page = (
        "The ledger can't reach its database",
        "Try again in a moment. If you were changing something, first check whether it was done.",
    )
    detail = f"The database can't be reached, or didn't respond in time. {SEND_AGAIN}"
    retry_after = 1


class ReadOnlyDatabase(TemporarilyUnavailable):
    """The database is a standby, or is set to read-only."""

    detail = (
        "The database can only be read, because it is a standby or is set to read-only. Nothing "
        f"was done. {SEND_AGAIN}"
    )
    page = (
        "The ledger can only be read now",
        "Its database is a standby or is set to read-only. Nothing was changed. Try again later.",
    )


class ConflictInDatabase(TemporarilyUnavailable):
    """The database aborted a transaction, or a standby ended a read that delayed its replay."""

    detail = (
        "The database ended this request, because it conflicted with other changes. A standby ends "
        f"a read that takes long. Nothing was done. {SEND_AGAIN}"
    )


class Busy(TemporarilyUnavailable):
    """Too many requests are waiting, or this one has waited too long."""

    detail = f"The service is overloaded. Nothing was done. {SEND_AGAIN}"


# ── The errors that many operations share ────────────────────────────────────────────────────────

OF_ALL = (NotAcceptable, InternalError, TemporarilyUnavailable)
OF_USERS = (NotAuthenticated, TokenNotValid)
# The first three are of the server, which receives the body.
OF_BODIES = (
    MalformedRequest,
    RequestTimeout,
    LengthRequired,
    MalformedJson,
    PayloadTooLarge,
    UnsupportedMediaType,
)
