"""
The only place where an exception becomes a status code.

Every error of the API is an ``application/problem+json`` document (RFC 9457): ``type, title,
status, detail, code, instance``, with ``errors`` on 422 and the evidence of a refusal. The admin
shows a page in its place.
"""

import logging
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from errno import EDQUOT, ENOSPC
from itertools import islice
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import (
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
)
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.settings import api_settings

from api.errors import LedgerError
from api.instants import instant

MEDIA_TYPE = "application/problem+json"

# Django has none of these among its operational errors. Read-only, as a standby is after a
# failover; a transaction that idled, or took, too long; a SQLite file that is none, or damaged.
UNAVAILABLE_SQLSTATES = {"25006", "25P03", "25P04"}
UNUSABLE_FILE = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}

# What a fragment of a URI holds as it is, beside letters and digits (RFC 3986 §3.5).
LETTERS_OF_FRAGMENT = "!$&'()*+,;=:@?/"

# What a 422 names at most: a thousand items of a batch may each be wrong.
MOST_ERRORS = 100

logger = logging.getLogger("ledger.problems")


class Problem(Exception):
    """An error of the HTTP layer itself, with its stable ``code`` and what to do about it."""

    def __init__(self, status: int, code: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after: int | None = extra.pop("retry_after", None)
        self.headers: dict[str, str] = extra.pop("headers", {})
        self.extra = extra

    @property
    def title(self) -> str:
        """The code in words: the same for each occurrence (RFC 9457 §3.1.3)."""
        return self.code.replace("_", " ").capitalize().replace("json", "JSON")

    def body(self, path: str) -> dict[str, Any]:
        """Return the document for a request to ``path``."""
        return {
            "type": f"{settings.PROBLEM_DOCS_URL}#{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "instance": path,
            **self.extra,
        }

    def all_headers(self) -> dict[str, str]:
        """Return the headers that go with it."""
        retry = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return {**self.headers, **retry}

    def response(self, request: HttpRequest) -> HttpResponse:
        """Return the answer as a plain Django response."""
        response = JsonResponse(
            self.body(request.path), status=self.status, content_type=MEDIA_TYPE
        )
        for name, value in self.all_headers().items():
            response[name] = value
        response.problem_code = self.code  # type: ignore[attr-defined]  # for the metrics
        return response


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer for an exception that a DRF view raised; None lets it through."""
    if is_unavailable(error) and connection.in_atomic_block:
        # The idempotency middleware holds the transaction: it retries, or answers 503.
        return None
    problem = problem_of(error)
    if problem is None:
        return None
    request = context["request"]
    # Whatever the client accepts for an answer, a problem is JSON.
    request.accepted_renderer = JSONRenderer()
    request.accepted_media_type = MEDIA_TYPE
    body = problem.body(request.path)
    response = Response(
        body, status=problem.status, content_type=MEDIA_TYPE, headers=problem.all_headers()
    )
    response.problem_code = problem.code  # type: ignore[attr-defined]  # for the metrics
    return response


def problem_of(error: BaseException | None) -> Problem | None:
    """Return what an exception means to a client; None if it is a crash."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, LedgerError):
        return _broken_rule(error)
    if is_unavailable(error):
        return unavailable()
    if isinstance(error, exceptions.APIException):
        return _api_exception(error)
    if isinstance(error, PermissionDenied):
        return Problem(403, "permission_denied", str(error) or "You may not do this.")
    if isinstance(error, Http404):
        return Problem(404, "not_found", "There is nothing at this address. See /docs.")
    if isinstance(error, RequestDataTooBig):
        return too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if isinstance(error, TooManyFieldsSent):
        detail = f"Send at most {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} query parameters."
        return invalid([{"pointer": "#", "code": "too_many_parameters", "detail": detail}])
    return None


def is_unavailable(error: BaseException | None) -> bool:
    """Whether an error says that the database can't do its work now, and did nothing."""
    if isinstance(error, InternalError):
        return getattr(error.__cause__, "sqlstate", None) in UNAVAILABLE_SQLSTATES
    if isinstance(error, OSError):
        # An export has no room on the disk.
        return error.errno in (ENOSPC, EDQUOT)
    if isinstance(error, DatabaseError) and isinstance(error.__cause__, sqlite3.DatabaseError):
        # The low byte is the error; the others say more about it.
        code = getattr(error.__cause__, "sqlite_errorcode", 0)
        if code & 0xFF in UNUSABLE_FILE:
            return True
    return isinstance(error, OperationalError | InterfaceError)


def unavailable() -> Problem:
    """Return the answer while the database is away or too busy: nothing was done."""
    return Problem(
        503,
        "temporarily_unavailable",
        "The ledger can't reach its database in time. Retry with the same Idempotency-Key.",
        retry_after=1,
    )


def internal_error() -> Problem:
    """Return the answer to a request that crashed: its transaction was rolled back."""
    return Problem(
        500,
        "internal_error",
        "The ledger failed, and nothing was done. Retry with the same Idempotency-Key; if it "
        "happens again, report the X-Request-ID of this answer.",
    )


def invalid_host() -> Problem:
    """Return the answer to a request for a host name that the service doesn't have."""
    return Problem(400, "invalid_host", "This host is not in LEDGER_ALLOWED_HOSTS.")


def too_large(limit: int) -> Problem:
    """Return the answer to a body of more than ``limit`` bytes."""
    return Problem(413, "payload_too_large", f"The body may have {limit} bytes at most.")


def invalid(errors: list[dict[str, str]]) -> Problem:
    """Return the answer to a request with these errors, each a pointer, a code and a detail."""
    detail = "; ".join(f"{each['pointer']}: {each['detail']}" for each in errors[:3])
    return Problem(422, "validation_failed", detail, errors=errors)


def member(pointer: str, name: object) -> str:
    """Return the pointer to a member of what ``pointer`` points to (RFC 6901 §6: a fragment)."""
    escaped = _legible(name).replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{quote(escaped, safe=LETTERS_OF_FRAGMENT)}"


# ── Django's own error pages ─────────────────────────────────────────────────────────────────────


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    problem = problem_of(exception)
    if problem is None and isinstance(exception, DisallowedHost):
        problem = invalid_host()
    elif problem is None:
        problem = Problem(400, "malformed_json", "The request can't be read.")
    return problem.response(request)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return Problem(403, "permission_denied", "You may not do this.").response(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    problem = problem_of(Http404())
    assert problem is not None
    return problem.response(request)


def server_error(request: HttpRequest) -> HttpResponse:
    # Django calls this while it handles the exception, before it has logged it.
    problem = problem_of(sys.exc_info()[1])
    if problem is None or problem.status < 500:
        problem = internal_error()
    return problem.response(request)


# ── Details ──────────────────────────────────────────────────────────────────────────────────────


def _broken_rule(error: LedgerError) -> Problem:
    evidence = {
        name: instant(value) if isinstance(value, datetime) else value
        for name, value in error.evidence.items()
    }
    return Problem(error.status, error.code, error.detail, **evidence)


def _api_exception(error: exceptions.APIException) -> Problem:
    status = error.status_code
    if isinstance(error, exceptions.ValidationError):
        return invalid(list(islice(_field_errors(error.get_full_details(), "#"), MOST_ERRORS)))
    code, detail = error.default_code, str(error.detail)
    headers: dict[str, str] = {}
    if isinstance(error, exceptions.ParseError):
        code = "malformed_json"
    elif status == 401:
        code = _authentication_code(error)
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
        if code == "token_not_valid":
            detail = "The token is invalid, expired or revoked. Get a new one at /auth/token."
    elif isinstance(error, exceptions.UnsupportedMediaType):
        code, detail = "unsupported_media_type", "Send the body as application/json."
    elif isinstance(error, exceptions.NotAcceptable):
        code, detail = "not_acceptable", "Accept application/json here."
    elif isinstance(error, exceptions.NotFound):
        code = "not_found"
    wait = getattr(error, "wait", None)
    retry_after = None if wait is None else max(1, int(-(-wait // 1)))
    return Problem(status, code, detail, headers=headers, retry_after=retry_after)


def _authentication_code(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.NotAuthenticated):
        return "not_authenticated"
    # The login's refusal is the only one that isn't about a token.
    return (
        "authentication_failed" if error.get_codes() == "no_active_account" else "token_not_valid"
    )


def _field_errors(details: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Flatten DRF's nested details to pointers into the body (RFC 6901 §6: a URI's fragment)."""
    # Members may be called `message` and `code` too; only a leaf's code is text.
    if isinstance(details, Mapping) and isinstance(details.get("code"), str):
        detail = _legible(details["message"])
        yield {"pointer": pointer, "code": details["code"], "detail": detail}
    elif isinstance(details, Mapping):
        for name, inner in details.items():
            own = name == api_settings.NON_FIELD_ERRORS_KEY and inner[0]["code"] != "unknown_field"
            yield from _field_errors(inner, pointer if own else member(pointer, name))
    else:
        for inner in details:
            yield from _field_errors(inner, pointer)


def _legible(text: object) -> str:
    # It may echo a lone surrogate of the client's, which no answer can be written in.
    return str(text).encode("utf-8", "backslashreplace").decode()
