"""
Changes to an account: its name, metadata, status and overdraft limit.

Each is made under the account's lock. All but changes of metadata are recorded.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import InternalError, transaction

from accounts import rights
from accounts.enums import AccountStatus
from accounts.exceptions import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
    HistoryMayGrow,
    OverdraftInUse,
)
from accounts.expiry import ExpiredHolds, expired_holds
from accounts.models import Account, AccountChange
from database.exceptions import is_read_only
from database.postgresql import standby


@transaction.atomic
def describe(
    *,
    account_id: UUID,
    actor: User,
    owner_name: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Account:
    """
    Rename an account, replace its metadata, or both, and return it.

    :param owner_name: the new name, or None to keep the name
    :param metadata: the new metadata, or None to keep it
    :raises AccountNotFound: if ``actor`` may not see the account
    :raises PermissionDenied: if they neither own it nor hold ``accounts.describe_any``
    """
    account = _locked(account_id, actor)
    rights.require_own_or(account, actor, "accounts.describe_any")
    if owner_name is not None and owner_name != account.owner_name:
        _record(account, actor, AccountChange.Action.RENAME, account.owner_name, owner_name)
        account.owner_name = owner_name
    if metadata is not None:
        account.metadata = metadata
    account.save(update_fields=["owner_name", "metadata"])
    return account


@transaction.atomic
def freeze(*, account_id: UUID, actor: User, reason: str = "") -> Account:
    """
    Freeze an account, so that no money can move in or out, and return it.

    :raises AccountNotFound: if ``actor`` may not see the account
    :raises PermissionDenied: if they lack ``accounts.freeze``, even if they own the account
    :raises AccountClosed: if it is closed
    """
    return _set_status(account_id, actor, AccountStatus.FROZEN, reason)


@transaction.atomic
def unfreeze(*, account_id: UUID, actor: User, reason: str = "") -> Account:
    """
    Unfreeze an account, so that money can move in and out again, and return it.

    :raises AccountNotFound, PermissionDenied, AccountClosed: as ``freeze``
    """
    return _set_status(account_id, actor, AccountStatus.OPEN, reason)


@transaction.atomic
def close(*, account_id: UUID, actor: User, reason: str = "") -> Account:
    """
    Close an account and return it. This can't be undone. A closed account is left unchanged.

    :raises AccountNotFound: if ``actor`` may not see the account
    :raises PermissionDenied: if they neither own it nor hold ``accounts.close_any``
    :raises AccountFrozen: if it is frozen
    :raises AccountNotEmpty: if it has a balance or a pending hold
    """
    account = _locked(account_id, actor)
    rights.require_own_or(account, actor, "accounts.close_any")
    if account.status == AccountStatus.CLOSED:
        return account
    require_closable(account).release()
    return _change_status(account, actor, AccountStatus.CLOSED, reason)


def require_closable(account: Account) -> ExpiredHolds:
    """
    Check that an open account can be closed, and return the expired holds to release first.

    :raises AccountFrozen, AccountNotEmpty: as ``close``
    """
    if account.status == AccountStatus.FROZEN:
        raise AccountFrozen(account.pk)
    expired = expired_holds(account)
    held = account.held - expired.amount
    if account.balance or held:
        raise AccountNotEmpty(account.pk, account.balance, held)
    return expired


@transaction.atomic
def set_overdraft_limit(
    *, account_id: UUID, actor: User, limit: int, reason: str = "", is_approved: bool = False
) -> Account:
    """
    Set the overdraft limit of an account, and return the account.

    :param limit: how far below zero the balance may go, counting holds as spent, in minor units
    :param is_approved: whether a second person has approved it
    :raises AccountNotFound: if ``actor`` may not see the account
    :raises PermissionDenied: if they lack ``accounts.set_limit``, even if they own the account
    :raises AccountClosed: if it is closed
    :raises OverdraftInUse: if the account already uses more of its overdraft than ``limit``
    :raises ApprovalRequired: if it is a higher limit, and so high that a second person must approve
    """
    account = _locked(account_id, actor)
    rights.require(actor, "accounts.set_limit")
    if account.status == AccountStatus.CLOSED:
        raise AccountClosed(account.pk)
    if limit > account.overdraft_limit and not is_approved:
        rights.require_below_threshold(limit, actor)
    if account.balance - account.held + limit < 0:
        expired = expired_holds(account)
        used = account.held - expired.amount - account.balance
        if used > limit:
            raise OverdraftInUse(account.pk, used, limit)
        expired.release()
    if limit != account.overdraft_limit:
        action = AccountChange.Action.SET_OVERDRAFT_LIMIT
        _record(account, actor, action, account.overdraft_limit, limit, reason)
        account.overdraft_limit = limit
        account.save(update_fields=["overdraft_limit"])
    return account


def settle(*, account_id: UUID, instants: Sequence[datetime] = ()) -> Account:
    """
    Wait for transactions that are posting to an account to end, and return the account.

    The time of a posting is the time at which its account's lock was acquired. Every later posting
    therefore has a later time than the returned account's ``locked_at`` (UTC), and the history up
    to then can't change.

    A database that can only be read, such as a standby, grants no locks. There the account is read
    as it is, and ``locked_at`` is the latest time up to which its history is known: the last of
    ``instants`` that isn't in the future, or else the time of its last posting.

    :param instants: the times (UTC) up to which the caller needs the history
    :raises AccountNotFound: if there is no customer account with this id
    :raises HistoryMayGrow: if the database can only be read, and doesn't know the history up to
        one of ``instants``
    """
    try:
        with transaction.atomic():
            return _locked_by_anybody(account_id)
    except InternalError as error:
        if not is_read_only(error):
            raise
    return _as_replayed(account_id, instants)


def _as_replayed(account_id: UUID, instants: Sequence[datetime]) -> Account:
    account = _found(account_id)
    last = account.last_posted_at or account.created_at
    later = standby.past([instant for instant in instants if instant > last])
    if later:
        if not standby.knows_all_until(max(later)):
            raise HistoryMayGrow()
        # Only now, because a posting may have been replayed in the meantime.
        account = _found(account_id)
    account.locked_at = max([last, *later])
    return account


def _found(account_id: UUID) -> Account:
    account = Account.objects.find(account_id)
    if account is None:
        raise AccountNotFound(account_id)
    return account


def _set_status(account_id: UUID, actor: User, status: AccountStatus, reason: str) -> Account:
    account = _locked(account_id, actor)
    rights.require(actor, "accounts.freeze")
    if account.status == AccountStatus.CLOSED:
        raise AccountClosed(account.pk)
    if account.status == status:
        return account
    return _change_status(account, actor, status, reason)


def _change_status(account: Account, actor: User, status: AccountStatus, reason: str) -> Account:
    action = {
        AccountStatus.FROZEN: AccountChange.Action.FREEZE,
        AccountStatus.OPEN: AccountChange.Action.UNFREEZE,
        AccountStatus.CLOSED: AccountChange.Action.CLOSE,
    }[status]
    _record(account, actor, action, account.status, status, reason)
    account.status = status
    account.save(update_fields=["status"])
    return account


def _locked(account_id: UUID, actor: User) -> Account:
    # Check that the actor may see the account before locking it. Otherwise, the time that a caller
    # waits for the lock would disclose that the account exists. For owners, this is one query.
    own = Account.objects.filter(owner=actor).locked(account_id).get(account_id)
    if own is not None:
        return own
    if not rights.may(actor, "accounts.read_any"):
        raise AccountNotFound(account_id)
    return _locked_by_anybody(account_id)


def _locked_by_anybody(account_id: UUID) -> Account:
    account = Account.objects.locked(account_id).get(account_id)
    if account is None:
        raise AccountNotFound(account_id)
    return account


def _record(
    account: Account,
    actor: User,
    action: AccountChange.Action,
    before: str | int,
    after: str | int,
    reason: str = "",
) -> None:
    AccountChange.objects.create(
        account=account,
        actor=actor,
        action=action,
        before=before,
        after=after,
        reason=reason,
        # The audit checks that the change isn't earlier than postings before it. Keep that true
        # even if the clock was set back in between.
        at=max(account.locked_at, account.last_posted_at or account.locked_at),
    )
