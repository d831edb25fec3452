"""What only requests to the admin pass through: sessions, messages, and problems as pages."""

from collections.abc import Awaitable
from urllib.parse import unquote

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from api.errors import ApiError
from ledger_project.admin import problems


class AdminOnly(MiddlewareMixin):
    """Show a middleware the requests of the admin, and no others."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if request.path.startswith("/admin/"):
            return super().__call__(request)
        return self.get_response(request)


class AdminProblemMiddleware(AdminOnly):
    """Show a page in place of a problem document: it is read by a person in a browser."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        error: ApiError | None = getattr(response, "error", None)
        if error is None:
            return response
        page = problems.page(request, error.status, error.page or (error.title, error.detail))
        page.error = error  # type: ignore[attr-defined]  # for the metrics
        del response["Content-Length"]  # Of the document.
        for name, value in response.items():
            page.headers.setdefault(name, value)
        return page


class AdminAddressMiddleware(AdminOnly):
    """Answer 404 for an address that can't identify a row."""

    def process_request(self, request: HttpRequest) -> None:
        # No text in the database has a NUL, and PostgreSQL would not even look for one.
        if "\0" in unquote(request.get_full_path()):
            raise BadRequest("The address has a NUL.")

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        # An id that is no UUID, where Django expects numbers. Django calls this for every request.
        if not request.path.startswith("/admin/"):
            return
        if request.method in ("GET", "HEAD") and isinstance(exception, ValidationError):
            raise Http404 from exception
        # A choice in a form whose number is too large for SQLite; PostgreSQL says it isn't there.
        if isinstance(exception, OverflowError):
            raise BadRequest("A number in the form is too large.") from exception


class AdminSessionMiddleware(AdminOnly, SessionMiddleware):
    """The session of staff who are logged in."""


class AdminAuthenticationMiddleware(AdminOnly, AuthenticationMiddleware):
    """Who a session belongs to, for the page and for the log."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        # Of a page that worked, because it has asked who they are; another one may not be able to.
        if response.status_code < 500:
            request.caller_id = request.user.pk  # type: ignore[attr-defined]
        return response


class AdminMessageMiddleware(AdminOnly, MessageMiddleware):
    """What the admin tells of the last thing done."""
