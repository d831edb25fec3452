"""The admin's name, its login, its users, and what it doesn't show."""

from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from rest_framework_simplejwt.token_blacklist import admin as _registered_first  # noqa: F401
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

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
            login_try.succeeded = self.get_user() is not None
            return cleaned


def answering_429(login: Callable[..., Any]) -> Callable[..., Any]:
    """Let a login that was refused for its rate say so in its status too."""

    @wraps(login)
    def counted_login(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = login(request, *args, **kwargs)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if isinstance(form, CountedLoginForm) and form.wait is not None:
            response.status_code = 429
            response["Retry-After"] = str(ceil(form.wait))
        return response

    return counted_login


PERMISSIONS = "Permissions"
DEACTIVATE = (
    "A user can't be deleted, because history names them. Take away “Active” instead: it ends "
    "their session and their tokens at once. Staff status opens the admin and nothing else: what a "
    "user may do, there and in the API, is their permissions. Give those by a group."
)

admin.site.site_header = settings.APP_NAME
admin.site.site_title = settings.APP_NAME
admin.site.index_title = "Ledger"
# Its seven tables are on the first page; the room is for the columns of the lists.
admin.site.enable_nav_sidebar = False
admin.site.login_form = CountedLoginForm
admin.site.login = answering_429(admin.site.login)  # type: ignore[method-assign]

# Their pages list refresh tokens as they are: whoever reads one can be its user.
admin.site.unregister([OutstandingToken, BlacklistedToken])

admin.site.unregister(User)


@admin.register(User)
class LedgerUserAdmin(UserAdmin):
    """Users, who are deactivated and never deleted: history names them."""

    def get_list_display(self, request: HttpRequest) -> Any:
        return (*super().get_list_display(request), "is_active")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return [
            (name, {**options, "description": DEACTIVATE} if name == PERMISSIONS else options)
            for name, options in fieldsets
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
