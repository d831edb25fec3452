"""
What expired holds still reserve of an account gives way to whatever it stands in the way of.

A hold is a transfer, and accounts know nothing of transfers. So the transfers say here, when Django
starts, how the expired holds of an account are found.
"""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import Account


@dataclass(frozen=True, slots=True)
class ExpiredHolds:
    """
    The expired holds of an account: the ``amount`` that they reserve, in minor units.

    ``release`` gives it back, and brings the account, which must be locked, up to date.
    """

    amount: int
    release: Callable[[], object]


Finder = Callable[[Account], ExpiredHolds]

_NONE = ExpiredHolds(0, lambda: None)
_find: Finder | None = None


def find_by(finder: Finder) -> None:
    """Find the expired holds of an account by ``finder`` from now on."""
    global _find
    _find = finder


def expired_holds(account: Account) -> ExpiredHolds:
    """Return the expired holds of an account. Where nothing is held, nothing is asked."""
    return _find(account) if _find and account.held else _NONE
