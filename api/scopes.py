"""
The scopes of service keys, and the errors for what a service key may not do. Plain Python.

Every operation of the API declares the scope that it needs (see ``api.operations``).
``ledger_project.authentication`` checks it for each request.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from api.errors import ApiError


class Scope(StrEnum):
    """What a service key may do."""

    meaning: str

    def __new__(cls, name: str, meaning: str) -> "Scope":
        scope = str.__new__(cls, name)
        scope._value_ = name
        scope.meaning = meaning
        return scope

    ACCOUNTS_READ = "accounts:read", "See accounts, statements, balances and transfers."
    ACCOUNTS_WRITE = "accounts:write", "Open, update, freeze, unfreeze and close accounts."
    TRANSFERS_WRITE = "transfers:write", "Create and reverse transfers. Capture and void holds."
    CASH_WRITE = (
        "cash:write",
        "Deposit and withdraw money. With `transfers:write`: reverse deposits and withdrawals.",
    )
    EVENTS_READ = "events:read", "Read the feed of events."
    WEBHOOKS_WRITE = (
        "webhooks:write",
        "Manage webhooks. This includes having every event of the key's user sent to any URL.",
    )


# What an operation declares that no service key may call, whatever its scopes are.
ONLY_PEOPLE = "only people"


class InsufficientScope(ApiError):
    """:param scope: the scope that the service key lacks"""

    code = "insufficient_scope"
    status = 403
    meaning = "The service key, or its token, lacks the scope `scope`."
    remedy = "Request a token with this scope, or create a service key that has it."
    figures = {"scope": (str, "The scope that is required.")}

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"This requires the scope {scope}. Request a token with this scope, or create a "
            "service key that has it.",
            scope=scope,
        )
        # RFC 6750 §3.
        self.headers = {
            "WWW-Authenticate": f'Bearer realm="api", error="insufficient_scope", scope="{scope}"'
        }

    @classmethod
    def example(cls) -> "InsufficientScope":
        return cls(Scope.TRANSFERS_WRITE)


class PersonRequired(ApiError):
    code = "person_required"
    status = 403
    meaning = "Service keys can't do this, whatever their scopes are."
    remedy = "Log in with a name and a password."
    detail = "Service keys can't do this. Log in at /auth/token with a name and a password."
    headers = {"WWW-Authenticate": 'Bearer realm="api", error="insufficient_scope"'}


def limit_to(user: Any, scopes: Iterable[str]) -> None:
    """Limit what ``user`` may do in this request to these scopes."""
    user.scopes = frozenset(scopes)


def is_limited(user: Any) -> bool:
    """Return whether ``user`` is limited to scopes, and so uses a service key."""
    return getattr(user, "scopes", None) is not None


def require_scope(user: Any, needed: str | None) -> None:
    """
    Check that ``user`` isn't limited to scopes, or has the one that is needed.

    :param needed: a scope, or ``ONLY_PEOPLE``; None, which no operation should declare, is refused
    :raises InsufficientScope: if a service key lacks the scope
    :raises PersonRequired: if no service key may do this
    """
    if not is_limited(user) or needed in user.scopes:
        return
    if needed is None or needed == ONLY_PEOPLE:
        raise PersonRequired()
    raise InsufficientScope(needed)


def rely_on_scope(user: Any, needed: Scope) -> None:
    """
    Check as ``require_scope``, for a scope that depends on more than the operation.

    It is added to ``user.relied_on``, so that replaying the stored response checks it again.
    """
    require_scope(user, needed)
    user.relied_on = getattr(user, "relied_on", frozenset()) | {needed.value}


def has_scopes(user: Any, needed: Iterable[str | None]) -> bool:
    """Return whether ``user`` isn't limited to scopes, or has all of these."""
    return not is_limited(user) or all(scope in user.scopes for scope in needed)
