"""What needs an account's lock: its name, its status, its limit. Each change is recorded."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from accounts import rights
from accounts.enums import AccountStatus
from accounts.exceptions import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
    OverdraftInUse,
)
from accounts.expiry import ExpiredHolds, expired_holds
from accounts.models import Account, AccountChange


@transaction.atomic
def describe(
    *,
    account_id: UUID,
    actor: User,
    owner_name: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Account:
    """
    Rename an account, or replace the whole of its metadata, and return it. None leaves as it is.

    :raises AccountNotFound: if ``actor`` may not see the account
    :raises PermissionDenied: if it isn't theirs, and they lack ``accounts.describe_any``
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
    Stop every movement in and out of an account, and return it.

    :raises AccountNotFound: if ``actor`` may not see the account
    :raises PermissionDenied: if they lack ``accounts.freeze``, whoever owns it
    :raises AccountClosed: if it is closed
    """
    return _set_status(account_id, actor, AccountStatus.FROZEN, reason)


@transaction.atomic
def unfreeze(*, account_id: UUID, actor: User, reason: str = "") -> Account:
    """
    Let money move again, and return the account.

    :raises: as ``freeze``
    """
    return _set_status(account_id, actor, AccountStatus.OPEN, reason)


@transaction.atomic
def close(*, account_id: UUID, actor: User, reason: str = "") -> Account:
    """
    Close an empty account for good, and return it. A closed one stays as it is.

    :raises AccountNotFound: if ``actor`` may not see the account
    :raises PermissionDenied: if it isn't theirs, and they lack ``accounts.close_any``
    :raises AccountFrozen: if it is frozen
    :raises AccountNotEmpty: if it has a balance or a hold
    """
    account = _locked(account_id, actor)
    rights.require_own_or(account, actor, "accounts.close_any")
    if account.status == AccountStatus.CLOSED:
        return account
    require_closable(account).release()
    return _change_status(account, actor, AccountStatus.CLOSED, reason)


def require_closable(account: Account) -> ExpiredHolds:
    """
    Check that nothing stands against closing an account; return what must be released for it.

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
def set_overdraft_limit(*, account_id: UUID, actor: User, limit: int, reason: str = "") -> Account:
    """
    Set how far below zero an account may go, in minor units, and return it.

    :raises AccountNotFound: if ``actor`` may not see the account
    :raises PermissionDenied: if they lack ``accounts.set_limit``, whoever owns it
    :raises AccountClosed: if it is closed
    :raises OverdraftInUse: if the account already owes more than ``limit``
    """
    account = _locked(account_id, actor)
    rights.require(actor, "accounts.set_limit")
    if account.status == AccountStatus.CLOSED:
        raise AccountClosed(account.pk)
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


@transaction.atomic
def settle(*, account_id: UUID) -> Account:
    """
    Wait for whoever is posting to an account, and return it.

    A posting has the time of its account's lock. Whatever comes after this has therefore a later
    time than this ``locked_at``, so that what is said of an instant up to then stays true.

    :raises AccountNotFound: if there is no such customer's account
    """
    return _locked_by_anybody(account_id)


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
    # Visibility comes before the lock, or else anybody could wait for the lock of an account that
    # they may not see, and learn from the wait that it exists. An owner needs no other statement.
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
        # Nothing that came before is later, not even if the clock was set back in between: the
        # audit compares the two.
        at=max(account.locked_at, account.last_posted_at or account.locked_at),
    )
