"""
Listeners are told of every posting, inside the transaction of the posting.

A package above the transfers, such as a log of events, appends a listener to ``listeners`` when
Django starts. ``recording`` tells the listeners of everything that it writes. They aren't told of a
posting that is refused. If a listener raises, the posting is rolled back.
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


# Called with the transfers that were written together, in the order in which they were posted, and
# with the locked customers' accounts by id, with their figures after all of these transfers. A
# release of expired holds comes before the transfers that needed it. What a listener writes is
# committed or rolled back together with the postings.
Listener = Callable[[Sequence[Posted], Mapping[UUID, Account]], None]

listeners: list[Listener] = []


def tell(written: Sequence[Posted], accounts: Mapping[UUID, Account]) -> None:
    """Tell every listener, in the order in which they were added."""
    for listener in listeners:
        listener(written, accounts)
