"""
The only module that turns an exception into a response with a status code.

Every error of the API is an ``application/problem+json`` document (RFC 9457) with ``type, title,
status, detail, code, instance`` and the error's evidence, such as ``errors`` on 422. The admin
shows a page instead.
"""

import logging
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from errno import EDQUOT, ENOSPC
from itertools import islice
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core import exceptions as django
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions as drf
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.settings import api_settings

from api import exceptions
from api.errors import ApiError
from api.instants import instant
from database.exceptions import READ_ONLY

MEDIA_TYPE = "application/problem+json"

# Django doesn't raise OperationalError for these: a read-only database, such as a standby after a
# failover (25006); a transaction that was idle (25P03) or ran (25P04) for too long; and a file that
# is damaged or isn't a SQLite database.
UNAVAILABLE_SQLSTATES = {READ_ONLY, "25P03", "25P04"}
# What PostgreSQL says about the reason why it can't be used. A standby that ends a read because it
# conflicts with the replay uses the codes of a serialization failure and of a deadlock.
REASONS = {
    READ_ONLY: exceptions.ReadOnlyDatabase,
    "40001": exceptions.ConflictInDatabase,
    "40P01": exceptions.ConflictInDatabase,
}
UNUSABLE_FILE = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
# A standby that ends a read between two statements closes the connection, and no code is left.
ENDED_BETWEEN_STATEMENTS = "conflict with recovery"

# The characters that a URI's fragment needn't escape, besides letters and digits (RFC 3986 §3.5).
LETTERS_OF_FRAGMENT = "!$&'()*+,;=:@?/"

# A 422 lists at most this number of errors: each of a thousand items of a batch may be wrong.
MOST_ERRORS = 100

logger = logging.getLogger("ledger.problems")


@dataclass(frozen=True, slots=True)
class Problem:
    """The problem document of an error."""

    error: ApiError

    def body(self, path: str) -> dict[str, Any]:
        """Return the document for a request to ``path``."""
        error = self.error
        evidence = {
            name: instant(value) if isinstance(value, datetime) else value
            for name, value in error.evidence.items()
        }
        return {
            "type": f"{settings.PROBLEM_DOCS_URL}#{error.code}",
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            "code": error.code,
            "instance": path,
            **evidence,
        }

    def headers(self) -> dict[str, str]:
        """Return the headers of the response, besides its type."""
        wait = self.error.retry_after
        retry = {} if wait is None else {"Retry-After": str(wait)}
        return {**self.error.headers, **retry}

    def response(self, request: HttpRequest) -> HttpResponse:
        """Return the document as a Django response."""
        response = JsonResponse(
            self.body(request.path),
            status=self.error.status,
            content_type=MEDIA_TYPE,
            headers=self.headers(),
        )
        response.error = self.error  # type: ignore[attr-defined]  # for the metrics and the admin
        return response


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the response for an exception of a DRF view, or None to raise it again."""
    if is_unavailable(error) and connection.in_atomic_block:
        # The idempotency middleware handles it: it owns the transaction and can run it again.
        return None
    problem = problem_of(error)
    if problem is None:
        return None
    request = context["request"]
    # A problem document is JSON, whatever the client accepts.
    request.accepted_renderer = JSONRenderer()
    request.accepted_media_type = MEDIA_TYPE
    response = Response(
        problem.body(request.path),
        status=problem.error.status,
        content_type=MEDIA_TYPE,
        headers=problem.headers(),
    )
    response.error = problem.error  # type: ignore[attr-defined]  # for the metrics and the admin
    return response


def problem_of(error: BaseException | None) -> Problem | None:
    """Return the problem document for an exception, or None for an unexpected one."""
    found = error if isinstance(error, ApiError) else _error_of(error)
    return None if found is None else Problem(found)


def is_unavailable(error: BaseException | None) -> bool:
    """Return whether an error means that the database can't be used now, and changed nothing."""
    if isinstance(error, InternalError):
        return getattr(error.__cause__, "sqlstate", None) in UNAVAILABLE_SQLSTATES
    if isinstance(error, OSError):
        # The disk has no room for an export.
        return error.errno in (ENOSPC, EDQUOT)
    if isinstance(error, DatabaseError) and isinstance(error.__cause__, sqlite3.DatabaseError):
        # The low byte is the primary error code; the others are details.
        code = getattr(error.__cause__, "sqlite_errorcode", 0)
        if code & 0xFF in UNUSABLE_FILE:
            return True
    return isinstance(error, OperationalError | InterfaceError)


def unavailable(error: BaseException | None) -> exceptions.TemporarilyUnavailable:
    """Return the error of the API for one that ``is_unavailable``, with the reason if known."""
    state = getattr(getattr(error, "__cause__", None), "sqlstate", None)
    if state is None and ENDED_BETWEEN_STATEMENTS in str(error):
        return exceptions.ConflictInDatabase()
    return REASONS.get(state or "", exceptions.TemporarilyUnavailable)()


def member(pointer: str, name: object) -> str:
    """Return the JSON pointer to a member of the value at ``pointer``, as in RFC 6901 §6."""
    escaped = _legible(name).replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{quote(escaped, safe=LETTERS_OF_FRAGMENT)}"


# ── Django's own error pages ─────────────────────────────────────────────────────────────────────


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    problem = problem_of(exception) or Problem(exceptions.MalformedJson())
    return problem.response(request)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return Problem(exceptions.PermissionDenied()).response(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return Problem(exceptions.NotFound()).response(request)


def server_error(request: HttpRequest) -> HttpResponse:
    # Django calls this while it handles the exception.
    problem = problem_of(sys.exc_info()[1])
    if problem is None or problem.error.status < 500:
        problem = Problem(exceptions.InternalError())
    return problem.response(request)


# ── Details ──────────────────────────────────────────────────────────────────────────────────────


def _error_of(error: BaseException | None) -> ApiError | None:
    """Return the error of the API for an exception of Django, DRF or a database driver."""
    if is_unavailable(error):
        return unavailable(error)
    match error:
        case drf.APIException():
            return _error_of_drf(error)
        case django.PermissionDenied():
            return exceptions.PermissionDenied(str(error) or None)
        case Http404():
            return exceptions.NotFound()
        case django.DisallowedHost():
            return exceptions.InvalidHost()
        case django.RequestDataTooBig():
            return exceptions.PayloadTooLarge(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        case django.TooManyFieldsSent():
            detail = f"Send at most {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} query parameters."
            fault = {"pointer": "#", "code": "too_many_parameters", "detail": detail}
            return exceptions.ValidationFailed([fault])
    return None


def _error_of_drf(error: drf.APIException) -> ApiError | None:
    match error:
        case drf.ValidationError():
            faults = _field_errors(error.get_full_details(), "#")
            return exceptions.ValidationFailed(list(islice(faults, MOST_ERRORS)))
        case drf.ParseError():
            return exceptions.MalformedJson(str(error.detail))
        case drf.NotAuthenticated():
            return exceptions.NotAuthenticated()
        case drf.AuthenticationFailed():
            # A failed login is the only case that isn't about a token.
            of_login = error.get_codes() == "no_active_account"
            return exceptions.AuthenticationFailed() if of_login else exceptions.TokenNotValid()
        case drf.PermissionDenied():
            return exceptions.PermissionDenied(str(error.detail))
        case drf.NotFound():
            return exceptions.NotFound()
        case drf.MethodNotAllowed():
            return exceptions.MethodNotAllowed()
        case drf.NotAcceptable():
            return exceptions.NotAcceptable()
        case drf.UnsupportedMediaType():
            return exceptions.UnsupportedMediaType()
        case drf.Throttled():
            return exceptions.Throttled(getattr(error, "wait", None) or 1)
    return None


def _field_errors(details: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Flatten DRF's nested details into a list of errors with JSON pointers into the body."""
    # Members can be named `message` and `code` too, but only a leaf's code is a string.
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
    # Escape lone surrogates that the client sent, because UTF-8 can't encode them.
    return str(text).encode("utf-8", "backslashreplace").decode()
