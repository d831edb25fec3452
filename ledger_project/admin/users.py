"""The users and groups of the admin, and what of theirs it doesn't show."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from rest_framework_simplejwt.token_blacklist import admin as _registered_first  # noqa: F401
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.admin.pages import StrictList

PERMISSIONS = "Permissions"
# What others than superusers may change of a user who has no rights; the password besides.
EDITABLE = {"username", "first_name", "last_name", "email", "is_active"}
DEACTIVATE = (
    "A user can't be deleted, because history names them. Take away “Active” instead: it ends "
    "their session and their tokens at once. Staff status opens the admin and nothing else: what a "
    "user may do, there and in the API, is their permissions. Give those by a group."
)

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
        fieldsets = self.get_fieldsets(request, obj)
        shown = [name for _, options in fieldsets for name in options["fields"]]
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
