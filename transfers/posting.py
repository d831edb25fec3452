"""
The posting engine: the rules of the ledger as a pure function, without a database or a clock.

``post`` takes the current states of accounts and drafts of transfers. It returns the entries to
write, or raises the error for the rule that a draft breaks.

Bookkeeping is double-entry: each transfer that moves money debits one amount to its source and
credits it to its destination. A credit increases a customer's balance. The EXTERNAL account of a
currency represents the outside world. It keeps no running balance, so that it never becomes a
bottleneck.

An error must not disclose anything about an account that the caller may not see. If such an account
breaks a rule, the error is therefore deferred until all other rules have been checked for all
drafts, and is then raised without naming the account or its state.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from accounts.enums import MONEY_MAX, AccountKind, AccountStatus, Explained
from accounts.exceptions import AccountClosed, AccountFrozen
from api.errors import LedgerError
from transfers.exceptions import (
    AlreadyReversed,
    BalanceLimitExceeded,
    CaptureExceedsHold,
    CurrencyMismatch,
    DestinationUnavailable,
    HoldAlreadyResolved,
    HoldExpired,
    InsufficientFunds,
    NotAHold,
    NotReversible,
    SameAccount,
)
from transfers.kinds import Kind


class EntryType(Explained):
    """The side of an entry."""

    DEBIT = "DEBIT", "decreases the balance."
    CREDIT = "CREDIT", "increases the balance."


@dataclass(frozen=True, slots=True)
class AccountState:
    """
    The state of an account. Amounts are in minor units, times in UTC.

    ``visible`` tells whether the caller may see the account. Errors disclose the state of visible
    accounts only.
    """

    id: UUID
    kind: AccountKind
    status: AccountStatus
    currency: str
    balance: int = 0
    held: int = 0
    overdraft_limit: int = 0
    version: int = 0
    hold_version: int = 0
    last_posted_at: datetime | None = None
    visible: bool = True

    @property
    def available(self) -> int:
        return self.balance - self.held + self.overdraft_limit


@dataclass(frozen=True, slots=True)
class Original:
    """The earlier transfer that a CAPTURE or VOID resolves or a REVERSAL reverses."""

    id: UUID
    kind: Kind
    source: UUID
    dest: UUID
    amount: int
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A requested transfer. ``amount`` is in minor units.

    A CAPTURE, VOID or REVERSAL has an ``original``. ``despite_freeze`` allows a REVERSAL on a
    frozen account. ``by_expiry`` marks the VOID by which the ledger releases an expired hold.

    The other fields are only recorded; no rule depends on them. ``id`` is None unless the caller
    chose an id (a UUIDv7). A HOLD expires ``expires_in`` after it is posted.
    """

    kind: Kind
    source: UUID
    dest: UUID
    amount: int
    original: Original | None = None
    despite_freeze: bool = False
    by_expiry: bool = False
    id: UUID | None = None
    memo: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    expires_in: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a posting, in minor units and UTC. EXTERNAL has no balance and no sequence."""

    account_id: UUID
    type: EntryType
    amount: int
    balance: int | None
    sequence: int | None
    ts: datetime


@dataclass(frozen=True, slots=True)
class Posting:
    """An accepted draft, with its currency, and its DEBIT and CREDIT if it moves money."""

    draft: Draft
    currency: str
    entries: tuple[Entry, ...]
    # As in ``Transfer``: set by a HOLD, CAPTURE or VOID.
    held: int | None = None
    hold_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The postings in the order of their drafts, and the accounts that they changed, by id."""

    postings: list[Posting]
    changed: dict[UUID, AccountState]


class _Refusals:
    """
    Collects the errors of drafts.

    An error about accounts that the caller may see is raised at once. Any other is deferred: the
    remaining checks run as if it hadn't occurred, so that their outcome doesn't depend on it.
    """

    def __init__(self) -> None:
        self._mismatch: CurrencyMismatch | None = None
        self._unavailable: DestinationUnavailable | None = None

    def add(self, draft: Draft, refusal: LedgerError, *accounts: AccountState) -> None:
        """Raise ``refusal`` if all ``accounts`` are visible to the caller, or else defer it."""
        if all(account.visible for account in accounts):
            raise refusal
        if not isinstance(refusal, CurrencyMismatch):
            self._unavailable = DestinationUnavailable()
        elif self._mismatch is None:
            refusal.draft = draft
            self._mismatch = refusal

    def raise_deferred(self) -> None:
        """Raise the deferred error, if there is one."""
        # A currency never changes and may be disclosed. Its error comes first: if the batch is
        # refused for a currency anyway, the other error would disclose the state of an account.
        if refusal := self._mismatch or self._unavailable:
            raise refusal


def post(
    accounts: Mapping[UUID, AccountState],
    drafts: Iterable[Draft],
    *,
    resolved: Mapping[UUID, datetime] | None = None,
    now: datetime,
) -> Result:
    """
    Post the drafts in order. Each sees the effects of those before it.

    :param accounts: the locked state of every account that a draft refers to, by id
    :param resolved: when originals were captured, voided or reversed (UTC), by their ids
    :param now: when the locks were acquired, by the database's clock (UTC)
    :raises LedgerError: if a draft breaks a rule; the error's ``draft`` is that draft
    :raises DestinationUnavailable: if only accounts that aren't ``visible`` break a rule
    """
    states = dict(accounts)
    done = dict(resolved or {})
    refusals = _Refusals()
    postings = []
    changed: dict[UUID, AccountState] = {}
    for draft in drafts:
        try:
            touched, entries = _post_one(draft, states, done, now, refusals)
        except LedgerError as refusal:
            refusal.draft = draft
            raise
        for state in touched:
            states[state.id] = changed[state.id] = state
        source = states[draft.source]
        figures = (source.held, source.hold_version) if draft.kind.rules.changes_held else ()
        postings.append(Posting(draft, source.currency, entries, *figures))
        if draft.original is not None:
            done[draft.original.id] = now
    refusals.raise_deferred()
    return Result(postings, changed)


def _post_one(
    draft: Draft,
    states: Mapping[UUID, AccountState],
    done: Mapping[UUID, datetime],
    now: datetime,
    refusals: _Refusals,
) -> tuple[list[AccountState], tuple[Entry, ...]]:
    """Return the new states of the accounts that the draft changes, and its entries."""
    if draft.source == draft.dest:
        raise SameAccount()
    source = states[draft.source]
    if draft.original is not None:
        _check_original(draft, draft.original, done, now)
        if draft.kind.rules.releases:
            source = _hold(source, -draft.original.amount, draft, refusals)
    rules = draft.kind.rules
    if not (rules.moves_money or rules.reserves):
        # A VOID affects only the source, so the state of the destination doesn't matter.
        return [source], ()
    dest = states[draft.dest]
    _check_parties(draft, source, dest, refusals)
    if source.kind is AccountKind.CUSTOMER and source.available < draft.amount:
        # A caller who may spend from the account without seeing it isn't told its balance.
        available = source.available if source.visible else None
        raise InsufficientFunds(source.id, available=available, required=draft.amount)
    if rules.reserves:
        return [_hold(source, draft.amount, draft, refusals)], ()
    source, debit = _enter(source, EntryType.DEBIT, draft, now, refusals)
    dest, credit = _enter(dest, EntryType.CREDIT, draft, now, refusals)
    customers = [state for state in (source, dest) if state.kind is AccountKind.CUSTOMER]
    return customers, (debit, credit)


def _check_parties(
    draft: Draft, source: AccountState, dest: AccountState, refusals: _Refusals
) -> None:
    for account in (source, dest):
        frozen = account.status is AccountStatus.FROZEN
        if account.status is AccountStatus.CLOSED:
            refusals.add(draft, AccountClosed(account.id), account)
        elif frozen and not (draft.kind.rules.reverses and draft.despite_freeze):
            refusals.add(draft, AccountFrozen(account.id), account)
    if source.currency != dest.currency:
        refusals.add(draft, CurrencyMismatch(source.currency, dest.currency), source, dest)


def _check_original(
    draft: Draft, original: Original, done: Mapping[UUID, datetime], now: datetime
) -> None:
    if draft.kind.rules.reverses:
        if not original.kind.rules.reversible:
            raise NotReversible(original.id, original.kind)
        if original.id in done:
            raise AlreadyReversed(original.id)
        return
    if not original.kind.rules.reserves:
        raise NotAHold(original.id, original.kind)
    assert original.expires_at is not None
    done_at = done.get(original.id)
    if done_at and (draft.by_expiry or done_at < original.expires_at):
        raise HoldAlreadyResolved(original.id)
    # An expired hold stays expired after a VOID has released it.
    if not draft.by_expiry and (done_at or original.expires_at <= now):
        raise HoldExpired(original.id, original.expires_at)
    if draft.amount > original.amount:
        raise CaptureExceedsHold(original.id, held=original.amount, requested=draft.amount)


def _hold(account: AccountState, change: int, draft: Draft, refusals: _Refusals) -> AccountState:
    held = account.held + change
    if held > MONEY_MAX:
        refusals.add(draft, BalanceLimitExceeded(account.id, MONEY_MAX), account)
    return replace(account, held=held, hold_version=account.hold_version + 1)


def _enter(
    account: AccountState, side: EntryType, draft: Draft, now: datetime, refusals: _Refusals
) -> tuple[AccountState, Entry]:
    amount = draft.amount
    if account.kind is AccountKind.EXTERNAL:
        return account, Entry(account.id, side, amount, None, None, now)
    balance = account.balance + (amount if side is EntryType.CREDIT else -amount)
    if abs(balance) > MONEY_MAX:
        refusals.add(draft, BalanceLimitExceeded(account.id, MONEY_MAX), account)
    # The clock may have been set back, but the times of an account's entries never decrease.
    ts = now if account.last_posted_at is None else max(now, account.last_posted_at)
    account = replace(account, balance=balance, version=account.version + 1, last_posted_at=ts)
    return account, Entry(account.id, side, amount, balance, account.version, ts)
