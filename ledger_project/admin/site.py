"""The admin site, and its login form with a limit on failed logins."""

from math import ceil
from typing import Any, cast

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from ledger_project.admin.once import once
from ledger_project.throttling import LoginTry


class CountedLoginForm(AdminAuthenticationForm):
    """
    A login form that counts attempts together with those of ``POST /auth/token``.

    An attempt over the limit is refused before its password is checked.
    """

    wait: float | None = None

    def clean(self) -> dict[str, Any]:
        request = cast(HttpRequest, self.request)  # LoginView always passes it.
        login_try = LoginTry(request.META.get("REMOTE_ADDR"), self.data.get("username"))
        self.wait = login_try.wait
        if self.wait is not None:
            raise ValidationError(
                "Too many failed logins. Try again in %(seconds)d seconds.",
                code="throttled",
                params={"seconds": ceil(self.wait)},
            )
        with login_try:
            cleaned = super().clean()
            # A missing username or password raises nothing here and leaves the user None.
            login_try.user = self.get_user()
            return cleaned


class LedgerAdminSite(AdminSite):
    """The default admin site of the project, with the ledger's name and login form."""

    site_header = settings.APP_NAME
    site_title = settings.APP_NAME
    index_title = "Ledger"
    # The index page lists all tables. Without the sidebar, lists have room for their columns.
    enable_nav_sidebar = False
    login_form = CountedLoginForm

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Return the view of a page for staff, which carries out a confirmed form once."""
        return super().admin_view(once(view), cacheable)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the login form, or respond 429 with ``Retry-After`` after too many failed logins."""
        response = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if isinstance(form, CountedLoginForm) and form.wait is not None:
            response.status_code = 429
            response["Retry-After"] = str(ceil(form.wait))
        return response
