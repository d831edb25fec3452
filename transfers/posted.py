"""
Listeners that are called for every posting, inside its transaction.

A package that depends on ``transfers``, such as an event log, appends a listener to ``listeners``
when Django starts. ``recording`` calls the listeners with everything that it writes. They aren't
called for a posting that is refused. If a listener raises, the posting is rolled back.
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


# Called with the transfers that were written together, in the order of posting, and with the locked
# customers' accounts by id, in their state after all of these transfers. Releases of expired holds
# come before the transfers that needed them. The writes of a listener are committed or rolled back
# together with the postings.
Listener = Callable[[Sequence[Posted], Mapping[UUID, Account]], None]

listeners: list[Listener] = []


def notify(written: Sequence[Posted], accounts: Mapping[UUID, Account]) -> None:
    """Call every listener, in the order in which they were added."""
    for listener in listeners:
        listener(written, accounts)
