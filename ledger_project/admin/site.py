"""The admin site: its home page, its search, and a login form with a limit on failed logins."""

from functools import wraps
from math import ceil
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse

from ledger_project.admin.once import once
from ledger_project.throttling import LoginTry

# The groups of tables on the home page. Tables that aren't named here are in a group of their own.
TABLES = {
    "Ledger": (
        "accounts.Account",
        "transfers.Transfer",
        "approvals.Approval",
        "transfers.LedgerEntry",
        "accounts.AccountChange",
    ),
    "Requests and events": (
        "idempotency.IdempotencyKey",
        "events.Event",
        "webhooks.Endpoint",
        "webhooks.Delivery",
    ),
    "Access": ("auth.User", "auth.Group", "service_keys.ServiceKey"),
}
LOST_FORM = (
    "Nothing was changed: your session had ended when the form was sent. Log in and enter it again."
)
# How many rows of each table a search of all tables shows.
FEW = 5


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
    # As the other pages show a missing value.
    empty_value_display = "\N{EN DASH}"
    index_title = "Home"
    # The home page lists all tables. Without the sidebar, lists have room for their columns.
    enable_nav_sidebar = False
    # The base template links to the documentation of the API instead.
    site_url = None
    login_form = CountedLoginForm

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """
        Return the view of a page for staff, which carries out a confirmed form once.

        If a form is sent after the session has ended, the login page says that it is lost.
        """
        page = super().admin_view(once(view), cacheable)

        @wraps(page)
        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            is_lost = request.method == "POST" and not request.user.is_authenticated
            if is_lost and request.path != reverse("admin:logout"):
                messages.warning(request, LOST_FORM)
            return page(request, *args, **kwargs)

        return run

    def get_urls(self) -> list[Any]:
        return [path("find/", self.admin_view(self.find), name="find"), *super().get_urls()]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show the panels of the home page, and below them all tables, in groups."""
        # Importing this imports pages, which are registered with this site.
        from accounts.admin.home import panels_for

        context = {"panels": panels_for(request), "groups": self.groups(request)}
        return super().index(request, {**context, **(extra_context or {})})

    def groups(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the tables that the user may open, in the groups and the order of ``TABLES``."""
        tables = {
            table["model"]._meta.label: table
            for app in self.get_app_list(request)
            for table in app["models"]
        }
        groups = [
            {"name": name, "tables": [tables.pop(label) for label in labels if label in tables]}
            for name, labels in TABLES.items()
        ]
        groups.append({"name": "Other", "tables": [*tables.values()]})
        return [group for group in groups if group["tables"]]

    def find(self, request: HttpRequest) -> HttpResponse:
        """Search all tables that the user may open, and show the first rows of each that match."""
        text = request.GET.get("q", "").strip()
        tables = [table["model"] for group in self.groups(request) for table in group["tables"]]
        found = [self._search(request, table) for table in tables] if text else []
        context = {
            **self.each_context(request),
            "title": "Search",
            "text": text,
            "results": [each for each in found if each is not None],
        }
        return TemplateResponse(request, "admin/find.html", context)

    def _search(self, request: HttpRequest, model: type[Model]) -> dict[str, Any] | None:
        # This imports models, and the apps aren't ready yet when this module is imported.
        from accounts.admin.pages import LedgerAdmin

        admin = self.get_model_admin(model)
        text = request.GET.get("q", "")
        queryset = admin.get_queryset(request).order_by(*admin.get_ordering(request) or ["-pk"])
        found, _ = admin.get_search_results(request, queryset, text)
        rows = list(found[: FEW + 1])
        if not rows:
            return None
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        return {
            "name": model._meta.verbose_name_plural,
            "rows": [
                {
                    "row": row,
                    "url": reverse(f"{base}_change", args=[row.pk]),
                    "about": admin.about(row) if isinstance(admin, LedgerAdmin) else "",
                }
                for row in rows[:FEW]
            ],
            "more": f"{reverse(f'{base}_changelist')}?{urlencode({'q': text})}",
            "has_more": len(rows) > FEW,
        }

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
