"""Middleware that applies only to the admin: sessions, messages and error pages."""

from collections.abc import Callable
from typing import ClassVar
from urllib.parse import unquote

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from accounts.admin.search import LONGEST_SEARCH
from api.errors import ApiError
from api.exceptions import ValidationFailed
from api.problems import Problem
from ledger_project.admin import problems

Handler = Callable[[HttpRequest], HttpResponse]
ADMIN = "/admin/"


class SearchTooLong(ValidationFailed):
    """The text of a search has more than ``LONGEST_SEARCH`` characters."""

    page = ("Search for less", f"Enter at most {LONGEST_SEARCH} characters.")

    def __init__(self) -> None:
        super().__init__([{"pointer": "#/q", "code": "max_length", "detail": self.page[1]}])


class AdminOnlyMiddleware:
    """
    Let requests to the admin pass the middleware that follows, and let all others skip it.

    What they skip ends with ``EndOfAdminOnlyMiddleware``.
    """

    def __init__(self, get_response: Handler) -> None:
        self.admin = get_response
        # Each middleware is given the next one, so Django has created the end already.
        self.others = EndOfAdminOnlyMiddleware.newest.get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_admin = request.path.startswith(ADMIN)
        return self.admin(request) if is_admin else self.others(request)


class EndOfAdminOnlyMiddleware:
    """Continue with the middleware that applies to all requests."""

    newest: ClassVar["EndOfAdminOnlyMiddleware"]

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        EndOfAdminOnlyMiddleware.newest = self

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class AdminProblemMiddleware(MiddlewareMixin):
    """Replace problem documents with error pages, because people read them in a browser."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        error: ApiError | None = getattr(response, "error", None)
        if error is None or not request.path.startswith(ADMIN):
            return response
        page = problems.page(request, error.status, error.page or (error.title, error.detail))
        page.error = error  # type: ignore[attr-defined]  # for the metrics
        del response["Content-Length"]  # It is the length of the problem document.
        for name, value in response.items():
            page.headers.setdefault(name, value)
        return page


class AdminAddressMiddleware(MiddlewareMixin):
    """
    Respond 404 to a URL that can't identify a row, and 400 to one that can't be read.

    Also refuse a search for a long text.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        # PostgreSQL raises an error for a text with a NUL character.
        if "\0" in unquote(request.get_full_path()):
            raise BadRequest("The URL contains a NUL character.")
        # Of lists and of all tables, and of Django's fields that find rows.
        if any(len(request.GET.get(name, "")) > LONGEST_SEARCH for name in ("q", "term")):
            return Problem(SearchTooLong()).response(request)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        # Django calls this for requests outside of the admin, too.
        if not request.path.startswith(ADMIN):
            return
        # An id that isn't a UUID. Django's admin only expects the errors of numeric ids.
        if request.method in ("GET", "HEAD") and isinstance(exception, ValidationError):
            raise Http404 from exception
        # The id of a choice is too large for SQLite. PostgreSQL just doesn't find it.
        if isinstance(exception, OverflowError):
            raise BadRequest("A number in the form is too large.") from exception


class AdminAuthenticationMiddleware(AuthenticationMiddleware):
    """Set the user of the session on the request, and their id for the request log."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        # After a server error, looking up the user may fail as well. Any other page has done it.
        if response.status_code < 500:
            request.caller_id = request.user.pk  # type: ignore[attr-defined]
        return response
