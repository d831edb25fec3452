"""The admin of users and groups. Tokens are not shown."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from rest_framework_simplejwt.token_blacklist import admin as _registered_first  # noqa: F401
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.admin.pages import StrictList

PERMISSIONS = "Permissions"
# The fields that staff other than superusers may change, for users without rights. They may also
# set the password.
EDITABLE = {"username", "first_name", "last_name", "email", "is_active"}
DEACTIVATE = (
    "Users can't be deleted, because the ledger's history names them. To lock a user out, clear "
    "“Active”: their sessions, tokens and service keys stop working immediately. Staff status only "
    "lets a user log in to the admin. What they may do, there and in the API, depends on their "
    "permissions. Grant permissions through groups."
)

# Their pages show refresh tokens in full. Anyone who can read one can act as its user.
admin.site.unregister([OutstandingToken, BlacklistedToken])

admin.site.unregister([User, Group])


@admin.register(User)
class LedgerUserAdmin(StrictList, UserAdmin):
    """
    The admin of users. Users can be deactivated, and never deleted, because history names them.

    Only superusers may grant rights or change users who have rights. Otherwise, staff who may
    change users could set an approver's password and log in as the approver.
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
    """The admin of groups. Only superusers may change them, because groups grant permissions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser


def _has_rights(user: User) -> bool:
    # `get_all_permissions` is empty for a deactivated user, who may be activated again.
    if user.is_staff or user.is_superuser:
        return True
    return user.groups.exists() or user.user_permissions.exists()
