"""
The look-up of permissions, and the groups that ``migrate`` creates.

docs/security.md says what each permission allows.
"""

from collections import defaultdict
from collections.abc import Collection
from functools import cache
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User
from django.db import connections
from django.db.models import Exists, OuterRef, Q

from database.composed import ComposedQuery, Placeholder, padded

# What shows everything in the admin, and changes nothing.
SUPPORT = (
    "accounts.read_any",
    "auth.view_group",
    "auth.view_user",
    "idempotency.view_idempotencykey",
    "service_keys.read_any",
    "webhooks.read_any",
)
# The permissions of each group, as ``app.codename``.
GROUPS = {
    "Support": SUPPORT,
    "Operations": (
        *SUPPORT,
        "accounts.describe_any",
        "accounts.freeze",
        "accounts.set_limit",
        "accounts.close_any",
        "transfers.move_any",
        "transfers.move_cash",
        "transfers.reverse_any",
        "service_keys.revoke_any",
        "webhooks.manage_any",
    ),
    "Approvers": (*SUPPORT, "transfers.approve"),
}

# Whether a user has any group or permission. Most users have none, which saves the query for their
# permissions.
_OF_USER = {"user_id": OuterRef("pk")}
HAS_RIGHTS = Exists(User.groups.through.objects.filter(**_OF_USER)) | Exists(
    User.user_permissions.through.objects.filter(**_OF_USER)
)


class LedgerBackend(ModelBackend):
    """
    Look up the permissions of a user with one query instead of two.

    No query is needed if the user was annotated with ``has_rights`` and has none.
    """

    def get_all_permissions(self, user_obj, obj=None):
        if user_obj.is_superuser or not user_obj.is_active or obj is not None:
            return super().get_all_permissions(user_obj, obj)
        if not getattr(user_obj, "has_rights", True):
            return set()
        if not hasattr(user_obj, "held_permissions"):
            look_up_permissions([user_obj])
        return user_obj.held_permissions


def look_up_permissions(users: Collection[User]) -> None:
    """Look up the permissions of several users with one query, or none if nobody has any."""
    users = [user for user in users if getattr(user, "has_rights", True)]
    if not users:
        return
    ids = padded({user.pk for user in users})
    held = defaultdict(set)
    for user_id, app, codename in _permissions(len(ids))(*ids):
        held[user_id].add(f"{app}.{codename}")
    for user in users:
        user.held_permissions = held[user.pk]  # type: ignore[attr-defined]


@cache
def _permissions(count: int) -> ComposedQuery[tuple[int, str, str]]:
    user_ids: list[Any] = [Placeholder() for _ in range(count)]
    own = User.user_permissions.through.objects.filter(user__pk__in=user_ids).values_list(
        "user_id",
        "permission__content_type__app_label",
        "permission__codename",
        named=True,
    )
    of_groups = User.groups.through.objects.filter(
        user__pk__in=user_ids, group__permissions__isnull=False
    ).values_list(
        "user_id",
        "group__permissions__content_type__app_label",
        "group__permissions__codename",
    )
    held = own.union(of_groups)
    return ComposedQuery(held, user_ids)


def ensure_groups(using: str = "default", **_signal: object) -> None:
    """
    Create each group of ``GROUPS`` that doesn't exist.

    Existing groups aren't changed, so ``migrate`` preserves the operator's changes to them.
    """
    # The signal is also sent after a migration to zero has removed the tables.
    if Group._meta.db_table not in connections[using].introspection.table_names():
        return
    existing = set(Group.objects.using(using).values_list("name", flat=True))
    for name, permissions in GROUPS.items():
        if name not in existing:
            _make_group(using, name, permissions)


def _make_group(using: str, name: str, permissions: tuple[str, ...]) -> None:
    wanted = Q()
    for permission in permissions:
        app, codename = permission.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    found = Permission.objects.using(using).filter(wanted)
    # An app that isn't migrated yet has no permissions. The next migrate then creates the group.
    if len(found) == len(permissions):
        Group.objects.using(using).create(name=name).permissions.set(found)
