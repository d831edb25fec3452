"""Django's sessions, for the admin alone: the API knows a caller by their token, and no cookie."""

from collections.abc import Awaitable

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin


class AdminOnly(MiddlewareMixin):
    """Show a middleware the requests of the admin, and no others."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if request.path.startswith("/admin/"):
            return super().__call__(request)
        return self.get_response(request)


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
