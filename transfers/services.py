"""
The services that move money. No other code does.

Each checks the caller's rights, locks the accounts and posts drafts: ``movements`` does so for
deposits, withdrawals, transfers and holds, and this module for what refers to an earlier transfer.
A service joins the caller's transaction if there is one. Nothing is retried here, because a retry
must repeat the whole transaction, which belongs to the caller.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User

from accounts.enums import AccountStatus
from accounts.expiry import ExpiredHolds
from accounts.models import Account
from accounts.rights import may, require_below_threshold
from transfers import clock, rights
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.movements import Metadata, Movement, Order, perform
from transfers.posting import Draft
from transfers.recording import (
    Accounts,
    in_transaction,
    original_of,
    record,
    releases_of_expired,
)


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
    order = Order(
        kind=Kind.DEPOSIT,
        source_id=None,
        dest_id=account_id,
        amount=amount,
        memo=memo,
        metadata=metadata or {},
    )
    return transfer(order=order, actor=actor)


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
    order = Order(
        kind=Kind.WITHDRAWAL,
        source_id=account_id,
        dest_id=None,
        amount=amount,
        memo=memo,
        metadata=metadata or {},
    )
    return transfer(order=order, actor=actor)


def transfer(*, order: Order, actor: User, is_approved: bool = False) -> Transfer:
    """
    Carry out an order, such as to move money from one account to another; return the transfer.

    :param is_approved: whether a second person has approved it
    :raises AccountNotFound: if an account doesn't exist, or ``actor`` may not see the source
    :raises PermissionDenied: if ``actor`` doesn't own the source and lacks ``transfers.move_any``
    :raises ApprovalRequired: if only that permission allows it, and a second person must approve it
    :raises LedgerError: if a rule of ``transfers.posting`` is broken
    """
    return _performed(Movement([order], actor, is_approved))[0]


def post_batch(*, orders: Sequence[Order], actor: User) -> list[Transfer]:
    """
    Post several transfers in order, all or nothing, and return them.

    :raises AccountNotFound, LedgerError: as ``transfer``, with the ``index`` of the order
    :raises PermissionDenied: as ``transfer``
    """
    return _performed(Movement(orders, actor))


def hold(*, order: Order, expires_in: timedelta, actor: User) -> Transfer:
    """
    Reserve money of one account for another until the hold expires, and return the hold.

    :raises ValueError: if ``expires_in`` is longer than ``LONGEST_HOLD``
    :raises: as ``transfer``
    """
    return transfer(order=replace(order, kind=Kind.HOLD, expires_in=expires_in), actor=actor)


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
def void(*, hold_id: UUID, actor: User, memo: str | None = None) -> Transfer:
    """
    Release the amount of a hold, and return the VOID.

    :raises: as ``capture``, but the owner of the source may void a hold as well
    """
    original = _visible(hold_id, actor)
    return _resolve(Kind.VOID, original, actor, original.amount, memo)


@in_transaction
def reverse(
    *, transfer_id: UUID, actor: User, memo: str | None = None, is_approved: bool = False
) -> Transfer:
    """
    Move the whole amount of a transfer back, and return the REVERSAL.

    :param is_approved: whether a second person has approved it
    :raises TransferNotFound: if the transfer doesn't exist or ``actor`` may not see it
    :raises PermissionDenied: if ``actor`` doesn't own the destination and lacks
        ``transfers.reverse_any``, or if the transfer moved cash and they may not
    :raises ApprovalRequired: if only a permission allows it, and a second person must approve it
    :raises LedgerError: if it can't be reversed, was already reversed, or breaks another rule
    """
    original = _visible(transfer_id, actor)
    rights.require_reversal(original, actor)
    accounts = Account.objects.locked(original.source_id, original.dest_id)
    is_frozen = any(each.status == AccountStatus.FROZEN for each in accounts.values())
    despite_freeze = is_frozen and may(actor, Kind.REVERSAL.rules.permission)
    is_own = rights.is_own(Kind(original.kind), original.dest, actor) and not despite_freeze
    if not (is_own or is_approved):
        require_below_threshold(original.amount, actor)
    draft = Draft(
        Kind.REVERSAL,
        original.dest_id,
        original.source_id,
        original.amount,
        original=original_of(original),
        despite_freeze=despite_freeze,
        memo=memo,
    )
    return _record_one(accounts, draft, actor)


def sources_of_expired_holds() -> list[UUID]:
    """Return the ids of the accounts with expired holds that aren't released yet."""
    expired = Transfer.objects.unresolved_holds().filter(expires_at__lte=clock.of_statement())
    return list(expired.order_by("source_id").values_list("source_id", flat=True).distinct())


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


def _performed(movement: Movement) -> list[Transfer]:
    [outcome] = perform([movement])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


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


def _record_one(accounts: Accounts, draft: Draft, actor: User) -> Transfer:
    return record(accounts, [draft], actor)[0]
