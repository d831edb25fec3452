"""
Who may do what to accounts that aren't their own.

An owner needs no permission for what is theirs. Anybody else needs one of Django's permissions, in
the API and in the admin alike; a superuser has all of them. Ask for ownership first: the answer is
on the account, and a permission has to be looked up.
"""

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied

if TYPE_CHECKING:
    from accounts.models import Account


def may(user: User | AnonymousUser, permission: str) -> bool:
    """
    Return whether ``user`` holds ``permission``, such as ``accounts.read_any``.

    If they do, it is noted in ``user.relied_on``: what they are answered may show what they see by
    this permission only, so that a replay of the answer asks for it again.
    """
    if not user.has_perm(permission):
        return False
    noted: frozenset[str] = getattr(user, "relied_on", frozenset())
    user.relied_on = noted | {permission}  # type: ignore[union-attr]  # of this request alone
    return True


def require(user: User, permission: str) -> None:
    """
    Check that ``user`` holds ``permission``.

    :raises PermissionDenied: if they don't
    """
    if not may(user, permission):
        raise PermissionDenied(f"Only holders of the permission {permission} may do this.")


def require_own_or(account: "Account", user: User, permission: str) -> None:
    """
    Check that the account belongs to ``user``, or else that they hold ``permission``.

    :raises PermissionDenied: if neither is so
    """
    if not (account.is_owned_by(user) or may(user, permission)):
        raise PermissionDenied(
            f"Only the owner of account {account.pk} may do this, and holders of the permission "
            f"{permission}."
        )
