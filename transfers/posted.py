"""
Who wants to hear of postings, inside their transaction.

What is above the transfers (such as a log of events) adds a listener here when Django starts, and
the transfers need not know of it. ``recording`` tells the listeners of everything that it writes.
A posting that is refused is never told, and one that a listener fails on is undone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.models import Account
from transfers.models import Transfer
from transfers.posting import Entry


@dataclass(frozen=True, slots=True)
class Posted:
    """A transfer that was just written, with its DEBIT and its CREDIT if it moves money."""

    transfer: Transfer
    entries: tuple[Entry, ...]


# It is called with what was written together, in order, and with the locked customers' accounts by
# id, as they are after all of it. The releases of expired holds come before what they made way for.
# Whatever it writes commits with the postings.
Listener = Callable[[Sequence[Posted], Mapping[UUID, Account]], None]

listeners: list[Listener] = []


def tell(written: Sequence[Posted], accounts: Mapping[UUID, Account]) -> None:
    """Tell every listener, in the order in which they were added."""
    for listener in listeners:
        listener(written, accounts)
