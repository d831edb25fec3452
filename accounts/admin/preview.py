"""What an action would do, found out by carrying it out and rolling it back."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from django.db.models import Model
from django.urls import reverse

from accounts.admin.pages import available_in, money_shown
from accounts.models import Account

# Figures that a preview shows even if the action doesn't change them.
ALWAYS = {"Balance", "Held", "Available"}


class Figure(NamedTuple):
    """A figure of a row, such as an account's balance, before and after an action."""

    label: str
    before: str
    after: str

    @property
    def changes(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action does to one row, such as an account."""

    row: Model
    name: str
    figures: list[Figure]

    @property
    def url(self) -> str:
        """The page of the row."""
        opts = self.row._meta
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[self.row.pk])

    @property
    def changes(self) -> list[Figure]:
        """The figures that the action changes."""
        return [figure for figure in self.figures if figure.changes]


def observed(ids: Collection[UUID], act: Callable[[], object]) -> list[Effect]:
    """
    Carry out ``act``, and return its effect on the customers' accounts among ``ids``.

    The action really runs, in a transaction that the caller rolls back. The preview therefore shows
    what the ledger does, and raises the errors that it would raise.
    """
    before = Account.objects.locked(*ids)
    act()
    after = Account.objects.by_id(*ids)
    return [
        Effect(before[each], before[each].owner_name, _figures(before[each], after[each]))
        for each in ids
        if each in before
    ]


def state_of(accounts: Iterable[Account]) -> str:
    """Return a digest of the figures of accounts, which changes whenever one of them does."""
    figures = [
        f"{each.pk} {each.status} {each.balance} {each.held} {each.overdraft_limit}"
        for each in sorted(accounts, key=attrgetter("pk"))
    ]
    return sha256("\n".join(figures).encode()).hexdigest()


def previewed(effects: Iterable[Effect]) -> str:
    """Return the ``state_of`` the accounts before an action."""
    return state_of(each.row for each in effects if isinstance(each.row, Account))


def changed_since(ids: Collection[UUID]) -> str:
    """
    Return what staff must know if accounts had changed since the preview.

    That doesn't stop the action: otherwise nobody could freeze an account, or pay money out of it,
    whose figures change every second.
    """
    accounts = Account.objects.by_id(*ids).values()
    shown = [f"{each.owner_name} {money_shown(each.balance, each.currency)}" for each in accounts]
    return f"The figures had changed since the preview. The balance is now: {', '.join(shown)}."


def compared(before: Iterable[tuple[str, str]], after: Iterable[tuple[str, str]]) -> list[Figure]:
    """Return the figures of a row from their labels and values before and after an action."""
    pairs = zip(before, after, strict=True)
    return [Figure(label, old, new) for (label, old), (_, new) in pairs]


def _figures(before: Account, after: Account) -> list[Figure]:
    figures = compared(_shown(before), _shown(after))
    return [figure for figure in figures if figure.label in ALWAYS or figure.changes]


def _shown(account: Account) -> Iterator[tuple[str, str]]:
    yield "Status", account.get_status_display()
    yield "Balance", money_shown(account.balance, account.currency)
    yield "Held", money_shown(account.held, account.currency)
    yield "Overdraft limit", money_shown(account.overdraft_limit, account.currency)
    yield "Available", money_shown(available_in(account), account.currency)
