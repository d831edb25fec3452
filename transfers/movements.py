"""
Carry out what callers request: deposits, withdrawals, transfers and holds, one or many at once.

What many callers are waiting for is carried out in one transaction, with as many SQL statements as
one transfer takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from accounts.models import Account, external_account_id
from api.errors import LedgerError
from transfers import rights
from transfers.kinds import Kind
from transfers.models import LONGEST_HOLD, Transfer
from transfers.posting import Draft
from transfers.recording import Accounts, Recording, in_transaction

Metadata = Mapping[str, str]
Refusal = LedgerError | PermissionDenied
# What becomes of a movement: its transfers, or the error that refuses it.
Outcome = list[Transfer] | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """
    A transfer that a caller requests: a DEPOSIT, WITHDRAWAL, TRANSFER or HOLD.

    ``source_id`` is None for a DEPOSIT, and ``dest_id`` for a WITHDRAWAL. ``amount`` is in minor
    units. ``expires_in`` is for a HOLD only. Set ``id`` (a UUIDv7) if the id of the transfer must
    be known beforehand.

    :raises ValueError: if ``expires_in`` is longer than ``LONGEST_HOLD``
    """

    source_id: UUID | None
    dest_id: UUID | None
    amount: int
    kind: Kind = Kind.TRANSFER
    memo: str | None = None
    metadata: Metadata = field(default_factory=dict)
    expires_in: timedelta | None = None
    id: UUID | None = None

    def __post_init__(self) -> None:
        if self.expires_in is not None and self.expires_in > LONGEST_HOLD:
            raise ValueError(
                f"A hold can last at most {LONGEST_HOLD.days} days, not {self.expires_in}."
            )

    @property
    def owned_id(self) -> UUID:
        """The account whose owner may request the order, by the rules of its kind."""
        [party] = self.kind.rules.owners
        owned = self.source_id if party == "source" else self.dest_id
        assert owned is not None
        return owned

    @property
    def parties(self) -> set[UUID]:
        """The customers' accounts: two, or one if money comes from outside or is paid out."""
        return {party for party in (self.source_id, self.dest_id) if party is not None}

    def draft(self, accounts: Accounts) -> Draft:
        """Return the order as the engine expects it."""
        source, dest = self.source_id, self.dest_id
        if source is None or dest is None:
            [account] = self.parties
            outside = external_account_id(accounts[account].currency)
            source, dest = source or outside, dest or outside
        return Draft(
            self.kind,
            source,
            dest,
            self.amount,
            id=self.id,
            memo=self.memo,
            metadata=self.metadata,
            expires_in=self.expires_in,
        )


@dataclass(frozen=True, slots=True)
class Movement:
    """
    Orders of one kind that ``actor`` requests, to be posted in order, all or nothing.

    ``is_approved`` says whether a second person has approved them.
    """

    orders: Sequence[Order]
    actor: User
    is_approved: bool = False

    @property
    def parties(self) -> set[UUID]:
        return {party for order in self.orders for party in order.parties}


@in_transaction
def perform(movements: Sequence[Movement]) -> list[Outcome]:
    """
    Carry out movements in order, and return the transfers of each, or the error that refuses it.

    A refused movement changes nothing, and leaves the others as if it had never been requested.
    The number of SQL statements doesn't depend on the number of movements, except that one that
    can't be afforded looks for expired holds. The errors are those of ``deposit``, ``transfer``
    and ``post_batch``.
    """
    accounts, refusals = _locked(movements)
    recording = Recording(accounts)
    outcomes = [
        refusal or _posted(recording, movement, accounts)
        for movement, refusal in zip(movements, refusals, strict=True)
    ]
    recording.write()
    return outcomes


def _locked(movements: Sequence[Movement]) -> tuple[Accounts, list[Refusal | None]]:
    """Lock the accounts of the movements that their actors may request, and return the refusals."""
    # Rights are checked before locks are acquired. Otherwise, anybody could wait for the lock of an
    # account that they may not see, and hold it.
    accounts = _locked_at_once(*movements) if len(movements) == 1 else {}
    wanted = {party for movement in movements for party in movement.parties}
    seen = accounts or Account.objects.by_id(*wanted)
    refusals = [_refusal(movement, seen) for movement in movements]
    pairs = zip(movements, refusals, strict=True)
    allowed = {party for movement, refusal in pairs if not refusal for party in movement.parties}
    if not accounts and allowed:
        accounts = Account.objects.locked(*allowed)
    return accounts, refusals


def _locked_at_once(movement: Movement) -> Accounts:
    """Lock the accounts with one statement if that is possible, or else return none."""
    [kind] = {order.kind for order in movement.orders}
    if movement.actor.has_perm(kind.rules.permission):
        return Account.objects.locked(*movement.parties)
    owned = {order.owned_id for order in movement.orders}
    return Account.objects.locked_by_owner(movement.actor, owned, movement.parties)


def _refusal(movement: Movement, accounts: Accounts) -> Refusal | None:
    """Return the error that the actor may not request the movement, or None if they may."""
    checks = [_require_rights]
    if settings.APPROVAL_THRESHOLD is not None and not movement.is_approved:
        checks.append(_require_alone)
    for check in checks:
        for index, order in enumerate(movement.orders):
            try:
                check(order, accounts, movement.actor)
            except LedgerError as refusal:
                refusal.index = index
                return refusal
            except PermissionDenied as refusal:
                return refusal
    return None


def _require_rights(order: Order, accounts: Accounts, actor: User) -> None:
    if order.kind.rules.moves_cash:
        rights.require_cash(order.kind, accounts, order.owned_id, actor)
    else:
        rights.require_own(order.kind, accounts, order.owned_id, actor)
        for party in order.parties:
            rights.require_account(accounts, party)


def _require_alone(order: Order, accounts: Accounts, actor: User) -> None:
    rights.require_alone(order.kind, accounts[order.owned_id], order.amount, actor)


def _posted(
    recording: Recording, movement: Movement, accounts: Accounts
) -> list[Transfer] | LedgerError:
    drafts = [order.draft(accounts) for order in movement.orders]
    try:
        return recording.post(drafts, movement.actor)
    except LedgerError as refusal:
        positions = (index for index, draft in enumerate(drafts) if draft is refusal.draft)
        refusal.index = next(positions, None)
        return refusal
