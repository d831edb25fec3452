"""The admin's name, its login, its users, and what it doesn't show."""

from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from rest_framework_simplejwt.token_blacklist import admin as _registered_first  # noqa: F401
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.admin.pages import StrictList
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
# What others than superusers may change of a user who has no rights; the password besides.
EDITABLE = {"username", "first_name", "last_name", "email", "is_active"}
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

admin.site.unregister([User, Group])


@admin.register(User)
class LedgerUserAdmin(StrictList, UserAdmin):
    """
    Users, who are deactivated and never deleted: history names them.

    Only superusers give rights, and only they change somebody who has any: whoever could set an
    approver's password would be one.
    """

    def get_list_display(self, request: HttpRequest) -> Any:
        return (*super().get_list_display(request), "is_active")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return [
            (name, {**options, "description": DEACTIVATE} if name == PERMISSIONS else options)
            for name, options in fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or _is_superuser(request):
            return super().get_readonly_fields(request, obj)
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        return [name for name in shown if name not in EDITABLE | {"password"}]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_change = super().has_change_permission(request, obj)
        return may_change and (obj is None or _is_superuser(request) or not _has_rights(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Group)
class LedgerGroupAdmin(StrictList, GroupAdmin):
    """Groups, which only superusers change: their members may do what they say."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser


def _has_rights(user: User) -> bool:
    # Not by `get_all_permissions`: a deactivated user has none, until somebody activates them.
    if user.is_staff or user.is_superuser:
        return True
    return user.groups.exists() or user.user_permissions.exists()
