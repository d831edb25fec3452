"""What an action would do to accounts, found out by carrying it out and rolling it back."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from accounts.admin.pages import money_shown
from accounts.models import Account
from database.rehearsal import rolled_back

# Figures that a preview shows even if the action doesn't change them.
ALWAYS = {"Balance", "Held", "Available"}


class Figure(NamedTuple):
    """A figure of an account before and after an action."""

    label: str
    before: str
    after: str

    @property
    def changes(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action does to one account."""

    account: Account
    figures: list[Figure]

    @property
    def changes(self) -> list[Figure]:
        """The figures that the action changes."""
        return [figure for figure in self.figures if figure.changes]


def rehearse(ids: Collection[UUID], act: Callable[[], object]) -> list[Effect]:
    """
    Return the effect of ``act`` on the customers' accounts among ``ids``. Nothing is changed.

    The action really runs, in a transaction that is rolled back. The preview therefore shows what
    the ledger does, and raises the errors that it would raise.
    """
    with rolled_back():
        before = Account.objects.locked(*ids)
        act()
        after = Account.objects.by_id(*ids)
    return [Effect(before[each], _figures(before[each], after[each])) for each in ids
            if each in before]  # fmt: skip


def _figures(before: Account, after: Account) -> list[Figure]:
    pairs = zip(_shown(before), _shown(after), strict=True)
    figures = [Figure(label, old, new) for (label, old), (_, new) in pairs]
    return [figure for figure in figures if figure.label in ALWAYS or figure.changes]


def _shown(account: Account) -> Iterator[tuple[str, str]]:
    yield "Status", account.get_status_display()
    yield "Balance", money_shown(account.balance, account.currency)
    yield "Held", money_shown(account.held, account.currency)
    yield "Overdraft limit", money_shown(account.overdraft_limit, account.currency)
    yield "Available", money_shown(account.available, account.currency)
