"""The admin of users and groups. Tokens are not shown."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import DateTimeField, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from rest_framework_simplejwt.token_blacklist import admin as _registered_first  # noqa: F401
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.admin.pages import DASH, BoundedPaginator, StrictList, account_badge, money_shown
from accounts.rights import may

PERMISSIONS = "Permissions"
# How many of a user's accounts the page of the user lists.
MOST_ACCOUNTS = 20
# The fields that staff other than superusers may change, for users without rights. They may also
# set the password.
EDITABLE = {"username", "first_name", "last_name", "email", "is_active"}
DEACTIVATE = (
    "Users can't be deleted, because the ledger's history names them. To lock a user out, clear "
    "“Active”: their sessions, tokens and service keys stop working immediately. Staff status only "
    "lets a user log in to the admin. What they may do, there and in the API, depends on their "
    "permissions. Grant permissions through groups."
)

# The permissions that are checked, by app. The others are Django's own of each table.
CHECKED: dict[str, list[str]] = {
    **{
        app: [
            codename
            for model in apps.get_app_config(app).get_models()
            for codename, _ in model._meta.permissions
        ]
        for app in ("accounts", "transfers", "service_keys", "webhooks")
    },
    "idempotency": ["view_idempotencykey"],
    # Only superusers may change groups.
    "auth": ["view_user", "add_user", "change_user", "view_group"],
}

# Their pages show refresh tokens in full. Anyone who can read one can act as its user.
admin.site.unregister([OutstandingToken, BlacklistedToken])

admin.site.unregister([User, Group])


class OwnPermissions(admin.ModelAdmin):
    """Offers the permissions that the ledger checks, by what they allow, and no others."""

    paginator = BoundedPaginator
    show_full_result_count = False

    class Media:
        js = ("ledger_project/names.js",)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(db_field, DateTimeField):
            # Django's label names neither of the two fields.
            for part, widget in zip(("date", "time"), field.widget.widgets, strict=True):
                widget.attrs["aria-label"] = f"{capfirst(db_field.verbose_name)}: {part}"
        return field

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and db_field.related_model is Permission:
            field.queryset = offered_permissions()
            field.label_from_instance = permission_shown
        return field


def offered_permissions() -> QuerySet[Permission]:
    """Return the permissions that the ledger checks."""
    checked = Q()
    for app, codenames in CHECKED.items():
        checked |= Q(content_type__app_label=app, codename__in=codenames)
    return Permission.objects.filter(checked).select_related("content_type").order_by("name")


def permission_shown(permission: Permission) -> str:
    """Return what a permission allows, and its name."""
    return f"{permission.name} ({permission.content_type.app_label}.{permission.codename})"


@admin.register(User)
class LedgerUserAdmin(OwnPermissions, StrictList, UserAdmin):
    """
    The admin of users. Users can be deactivated, and never deleted, because history names them.

    Only superusers may grant rights or change users who have rights. Otherwise, staff who may
    change users could set an approver's password and log in as the approver.
    """

    # They would count all users for each filter.
    show_facets = admin.ShowFacets.NEVER

    change_form_template = "admin/auth/user/page.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        user = context.get("original")
        if user is not None and may(request.user, "accounts.read_any"):
            accounts = list(user.accounts.order_by("-pk")[: MOST_ACCOUNTS + 1])
            context["accounts"] = [
                (
                    account,
                    account_badge(account),
                    money_shown(account.balance, account.currency),
                )
                for account in accounts[:MOST_ACCOUNTS]
            ]
            context["has_more_accounts"] = len(accounts) > MOST_ACCOUNTS
        return super().render_change_form(request, context, *args, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_list_display(self, request: HttpRequest) -> Any:
        return (*super().get_list_display(request), "is_active", "groups_shown")

    @admin.display(description="groups")
    def groups_shown(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all())) or DASH

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None and not self.has_change_permission(request, obj):
            # Without the password field, which would show a part of the hash.
            fieldsets = [(None, {"fields": ("username",)}), *fieldsets[1:]]
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
class LedgerGroupAdmin(OwnPermissions, StrictList, GroupAdmin):
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
