"""
Finds the expired holds of an account, so that they don't block other operations.

An expired hold still reserves money until it is released. A hold is a transfer, and accounts can't
import transfers. Therefore ``transfers`` registers the finder here when Django starts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import Account


@dataclass(frozen=True, slots=True)
class ExpiredHolds:
    """
    The expired holds of an account.

    ``amount`` is what they reserve, in minor units. ``release`` releases it and updates the
    account, whose lock the caller must hold.
    """

    amount: int
    release: Callable[[], object]


Finder = Callable[[Account], ExpiredHolds]

_NONE = ExpiredHolds(0, lambda: None)
_find: Finder | None = None


def find_by(finder: Finder) -> None:
    """Register the function that finds the expired holds of an account."""
    global _find
    _find = finder


def expired_holds(account: Account) -> ExpiredHolds:
    """Return the expired holds of an account. Without a held amount, this makes no query."""
    return _find(account) if _find and account.held else _NONE
