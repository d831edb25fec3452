"""
The services that move money. No other code does.

Each checks the caller's rights, locks the accounts and passes drafts to ``recording``. It joins the
caller's transaction if there is one. Nothing is retried here, because a retry must repeat the whole
transaction, which belongs to the caller.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.contrib.auth.models import User

from accounts.enums import AccountKind, AccountStatus
from accounts.expiry import ExpiredHolds
from accounts.models import Account, external_account_id
from accounts.rights import may
from api.errors import LedgerError
from transfers import clock, rights
from transfers.kinds import Kind
from transfers.models import LONGEST_HOLD, Transfer
from transfers.posting import Draft
from transfers.recording import Accounts, in_transaction, original_of, record, releases_of_expired

Metadata = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """
    A transfer that a caller requests. ``amount`` is in minor units.

    Set ``id`` (a UUIDv7) if the id of the transfer must be known beforehand.
    """

    source_id: UUID
    dest_id: UUID
    amount: int
    memo: str | None = None
    metadata: Metadata = field(default_factory=dict)
    id: UUID | None = None


@in_transaction
def deposit(
    *,
    account_id: UUID,
    amount: int,
    actor: User,
    memo: str | None = None,
    metadata: Metadata | None = None,
) -> Transfer:
    """
    Deposit money into an account, and return the transfer.

    :param amount: in minor units
    :raises AccountNotFound: if it doesn't exist, or ``actor`` may neither see it nor move its cash
    :raises PermissionDenied: if ``actor`` may see the account but not move its cash
    :raises LedgerError: if a rule of ``transfers.posting`` is broken
    """
    return _move_cash(Kind.DEPOSIT, account_id, amount, actor, memo, metadata)


@in_transaction
def withdraw(
    *,
    account_id: UUID,
    amount: int,
    actor: User,
    memo: str | None = None,
    metadata: Metadata | None = None,
) -> Transfer:
    """
    Withdraw money from an account, and return the transfer.

    :param amount: in minor units
    :raises: as ``deposit``
    """
    return _move_cash(Kind.WITHDRAWAL, account_id, amount, actor, memo, metadata)


@in_transaction
def transfer(*, order: Order, actor: User) -> Transfer:
    """
    Move money from one account to another, and return the transfer.

    :raises AccountNotFound: if an account doesn't exist, or ``actor`` may not see the source
    :raises PermissionDenied: if ``actor`` doesn't own the source and lacks ``transfers.move_any``
    :raises LedgerError: if a rule of ``transfers.posting`` is broken
    """
    return post_batch(orders=[order], actor=actor)[0]


@in_transaction
def post_batch(*, orders: Sequence[Order], actor: User) -> list[Transfer]:
    """
    Post several transfers in order, all or nothing, and return them.

    :raises AccountNotFound, LedgerError: as ``transfer``, with the ``index`` of the order
    :raises PermissionDenied: as ``transfer``
    """
    drafts = [_draft(Kind.TRANSFER, order) for order in orders]
    try:
        return record(_locked_parties(Kind.TRANSFER, drafts, actor), drafts, actor)
    except LedgerError as refusal:
        positions = (index for index, draft in enumerate(drafts) if draft is refusal.draft)
        refusal.index = next(positions, None)
        raise


@in_transaction
def hold(*, order: Order, expires_in: timedelta, actor: User) -> Transfer:
    """
    Reserve money of one account for another until the hold expires, and return the hold.

    :raises ValueError: if ``expires_in`` is longer than ``LONGEST_HOLD``
    :raises: as ``transfer``
    """
    if expires_in > LONGEST_HOLD:
        raise ValueError(f"A hold can last at most {LONGEST_HOLD.days} days, not {expires_in}.")
    draft = _draft(Kind.HOLD, order, expires_in)
    return _record_one(_locked_parties(Kind.HOLD, [draft], actor), draft, actor)


@in_transaction
def capture(
    *, hold_id: UUID, actor: User, amount: int | None = None, memo: str | None = None
) -> Transfer:
    """
    Move the amount of a hold to its destination, and return the CAPTURE.

    :param amount: how much to move, in minor units. The rest is released. Defaults to all.
    :param memo: defaults to the memo of the hold
    :raises TransferNotFound: if the hold doesn't exist or ``actor`` may not see it
    :raises PermissionDenied: if ``actor`` neither owns the destination nor has the permission
    :raises LedgerError: if it isn't a hold, is already resolved or expired, or breaks another rule
    """
    original = _visible(hold_id, actor)
    return _resolve(
        Kind.CAPTURE,
        original,
        actor,
        original.amount if amount is None else amount,
        original.memo if memo is None else memo,
    )


@in_transaction
def void(*, hold_id: UUID, actor: User) -> Transfer:
    """
    Release the amount of a hold, and return the VOID.

    :raises: as ``capture``, but the owner of the source may void a hold as well
    """
    original = _visible(hold_id, actor)
    return _resolve(Kind.VOID, original, actor, original.amount, memo=None)


@in_transaction
def reverse(*, transfer_id: UUID, actor: User, memo: str | None = None) -> Transfer:
    """
    Move the whole amount of a transfer back, and return the REVERSAL.

    :raises TransferNotFound: if the transfer doesn't exist or ``actor`` may not see it
    :raises PermissionDenied: if ``actor`` doesn't own the destination and lacks
        ``transfers.reverse_any``, or if the transfer moved cash and they may not
    :raises LedgerError: if it can't be reversed, was already reversed, or breaks another rule
    """
    original = _visible(transfer_id, actor)
    rights.require_reversal(original, actor)
    accounts = Account.objects.locked(original.source_id, original.dest_id)
    is_frozen = any(each.status == AccountStatus.FROZEN for each in accounts.values())
    draft = Draft(
        Kind.REVERSAL,
        original.dest_id,
        original.source_id,
        original.amount,
        original=original_of(original),
        despite_freeze=is_frozen and may(actor, Kind.REVERSAL.rules.permission),
        memo=memo,
    )
    return _record_one(accounts, draft, actor)


@in_transaction
def release_expired_holds(*, source_id: UUID) -> int:
    """Void the expired holds of an account, and return their number."""
    accounts = Account.objects.locked(source_id)
    releases = _releases_on(accounts[source_id])
    return len(record(accounts, releases, actor=None))


def expired_holds(account: Account) -> ExpiredHolds:
    """Return the expired but unreleased holds of an account that was just locked or read."""
    releases = _releases_on(account)
    return ExpiredHolds(
        amount=sum(draft.amount for draft in releases),
        release=lambda: record({account.pk: account}, releases, actor=None),
    )


def _releases_on(account: Account) -> list[Draft]:
    locked_at = getattr(account, "locked_at", None)
    now = clock.now() if locked_at is None else clock.reading(locked_at)
    return releases_of_expired([account.pk], now)


def _move_cash(
    kind: Kind,
    account_id: UUID,
    amount: int,
    actor: User,
    memo: str | None,
    metadata: Metadata | None,
) -> Transfer:
    require = partial(rights.require_cash, kind, account_id=account_id, actor=actor)
    accounts = _locked(kind, [account_id], [], actor, require)
    account = accounts[account_id]
    parties = account_id, external_account_id(account.currency)
    source, dest = reversed(parties) if kind.rules.source is AccountKind.EXTERNAL else parties
    draft = Draft(kind, source, dest, amount, memo=memo, metadata=metadata or {})
    return _record_one(accounts, draft, actor)


def _locked_parties(kind: Kind, drafts: Sequence[Draft], actor: User) -> Accounts:
    def require_parties(accounts: Accounts) -> None:
        for draft in drafts:
            _require_parties(accounts, draft, actor)

    sources, dests = {draft.source for draft in drafts}, {draft.dest for draft in drafts}
    return _locked(kind, sources, dests, actor, require_parties)


def _locked(
    kind: Kind,
    sources: Collection[UUID],
    dests: Collection[UUID],
    actor: User,
    require: Callable[[Accounts], object],
) -> Accounts:
    """Lock the accounts if ``actor`` may spend from the sources, or raise what ``require`` does."""
    # Rights are checked before locks are acquired. Otherwise, anybody could wait for the lock of an
    # account that they may not see, and hold it.
    if actor.has_perm(kind.rules.permission):
        accounts = Account.objects.locked(*sources, *dests)
    else:
        accounts = Account.objects.locked_by_owner(actor, sources, dests)
    require(accounts or Account.objects.customers().in_bulk({*sources, *dests}))
    # `accounts` is empty here only if an account was opened between the two statements.
    return accounts or Account.objects.locked(*sources, *dests)


def _require_parties(accounts: Accounts, draft: Draft, actor: User) -> None:
    try:
        rights.require_own(draft.kind, accounts, draft.source, actor)
        rights.require_account(accounts, draft.dest)
    except LedgerError as refusal:
        refusal.draft = draft
        raise


def _visible(transfer_id: UUID, actor: User) -> Transfer:
    # A transfer never changes, so it can be read before the accounts are locked.
    found = Transfer.objects.select_related("source", "dest").filter(pk=transfer_id).first()
    return rights.require_visible(found, transfer_id, actor)


def _resolve(kind: Kind, held: Transfer, actor: User, amount: int, memo: str | None) -> Transfer:
    rights.require_party(kind, source=held.source, dest=held.dest, actor=actor)
    accounts = Account.objects.locked(held.source_id, held.dest_id)
    original = original_of(held)
    draft = Draft(kind, held.source_id, held.dest_id, amount, original=original, memo=memo)
    return _record_one(accounts, draft, actor)


def _draft(kind: Kind, order: Order, expires_in: timedelta | None = None) -> Draft:
    return Draft(
        kind,
        order.source_id,
        order.dest_id,
        order.amount,
        id=order.id,
        memo=order.memo,
        metadata=order.metadata,
        expires_in=expires_in,
    )


def _record_one(accounts: Accounts, draft: Draft, actor: User) -> Transfer:
    return record(accounts, [draft], actor)[0]
