"""The admin site: its name, and a login whose failures are counted."""

from math import ceil
from typing import Any, cast

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from ledger_project.throttling import LoginTry


class CountedLoginForm(AdminAuthenticationForm):
    """A login whose tries are counted with those of the token route, before the password is."""

    wait: float | None = None

    def clean(self) -> dict[str, Any]:
        request = cast(HttpRequest, self.request)  # LoginView always gives it.
        login_try = LoginTry(request.META.get("REMOTE_ADDR"), self.data.get("username"))
        self.wait = login_try.wait
        if self.wait is not None:
            raise ValidationError(
                "Too many logins failed. Wait %(seconds)d seconds.",
                code="throttled",
                params={"seconds": ceil(self.wait)},
            )
        with login_try:
            cleaned = super().clean()
            # Without a name or a password nothing is raised either.
            login_try.user = self.get_user()
            return cleaned


class LedgerAdminSite(AdminSite):
    """The admin of the ledger. Its apps register with it as with Django's own."""

    site_header = settings.APP_NAME
    site_title = settings.APP_NAME
    index_title = "Ledger"
    # All of its tables are on the first page; the room is for the columns of the lists.
    enable_nav_sidebar = False
    login_form = CountedLoginForm

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the login form; 429 with ``Retry-After`` if too many logins have failed."""
        response = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if isinstance(form, CountedLoginForm) and form.wait is not None:
            response.status_code = 429
            response["Retry-After"] = str(ceil(form.wait))
        return response
