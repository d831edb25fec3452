"""
Checks of permissions on accounts.

Owners need no permission for their own accounts. For the accounts of others, users need one of
Django's permissions, both in the API and in the admin; a superuser has all of them. Check ownership
first: it needs no query, because the account is already loaded.
"""

from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied

from accounts.exceptions import ApprovalRequired
from api.scopes import is_limited


class Owned(Protocol):
    """What the checks need to know about an account."""

    @property
    def pk(self) -> UUID: ...

    def is_owned_by(self, user: User | AnonymousUser) -> bool: ...


def may(user: User | AnonymousUser, permission: str) -> bool:
    """
    Return whether ``user`` holds ``permission``, such as ``accounts.read_any``.

    If they do, the permission is added to ``user.relied_on``. The response may show data that only
    this permission gives access to, so replaying the stored response checks it again.
    """
    if not user.has_perm(permission):
        return False
    noted: frozenset[str] = getattr(user, "relied_on", frozenset())
    user.relied_on = noted | {permission}  # type: ignore[union-attr]  # per request
    return True


def require(user: User, permission: str) -> None:
    """
    Check that ``user`` holds ``permission``.

    :raises PermissionDenied: if they don't
    """
    if not may(user, permission):
        raise PermissionDenied(f"This requires the permission {permission}.")


def require_own_or(account: Owned, user: User, permission: str) -> None:
    """
    Check that ``user`` owns the account or holds ``permission``.

    :raises PermissionDenied: if neither is the case
    """
    if not (account.is_owned_by(user) or may(user, permission)):
        raise PermissionDenied(
            f"This requires the permission {permission}, unless you own account {account.pk}."
        )


def require_below_threshold(amount: int, user: User) -> None:
    """
    Check that ``user`` may do something for ``amount`` (minor units) without a second person.

    Only for what a permission allows: what owners do with their own money needs no approval. A
    service key needs it too, unless nobody can log in as its owner. Otherwise, everybody could
    avoid approvals with a service key of their own.

    :raises ApprovalRequired: if the amount is at least ``LEDGER_APPROVAL_THRESHOLD``
    """
    threshold: int | None = settings.APPROVAL_THRESHOLD
    if threshold is None or amount < threshold:
        return
    if not is_limited(user) or user.has_usable_password():
        raise ApprovalRequired(threshold)
