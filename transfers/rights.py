"""
Check who may move the money of which account.

An account or transfer that the caller may not see raises the same 404 as one that doesn't exist.
"""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from accounts.exceptions import AccountNotFound
from accounts.models import Account
from accounts.rights import may, require, require_below_threshold, require_own_or
from api.scopes import Scope, rely_on_scope
from transfers.exceptions import TransferNotFound
from transfers.kinds import Kind
from transfers.models import Transfer


def require_account(accounts: Mapping[UUID, Account], account_id: UUID) -> Account:
    """
    Return the account without checking who owns it.

    :raises AccountNotFound: if there is no customer's account with this id
    """
    if account_id not in accounts:
        raise AccountNotFound(account_id)
    return accounts[account_id]


def require_own(
    kind: Kind, accounts: Mapping[UUID, Account], account_id: UUID, actor: User
) -> Account:
    """
    Return an account, if ``actor`` may request a transfer of ``kind`` as its owner does.

    :raises AccountNotFound: if the account doesn't exist or they may not see it
    :raises PermissionDenied: if they don't own it and lack the permission of ``kind``
    """
    account = require_account(accounts, account_id)
    if not account.is_visible_to(actor):
        raise AccountNotFound(account_id)
    require_own_or(account, actor, kind.rules.permission)
    return account


def require_cash(
    kind: Kind, accounts: Mapping[UUID, Account], account_id: UUID, actor: User
) -> Account:
    """
    Return the account of a deposit or withdrawal, if ``actor`` may make it.

    Users with the permission to move cash may do so for every account, and see the account that
    they do it for.

    :raises AccountNotFound: if the account doesn't exist, or they may neither move its cash nor see
        it
    :raises PermissionDenied: if they may see it but not move its cash
    """
    account = require_account(accounts, account_id)
    if not _may_move_cash(kind, account, actor):
        if not account.is_visible_to(actor):
            raise AccountNotFound(account_id)
        require(actor, kind.rules.permission)
    return account


def require_alone(kind: Kind, account: Account, amount: int, actor: User) -> None:
    """
    Check that ``actor``, who may make a transfer of ``kind``, may make it without a second person.

    :param account: the account whose owner may make the transfer
    :param amount: in minor units
    :raises ApprovalRequired: if only a permission allows it, and the amount isn't below the
        threshold
    """
    if not is_own(kind, account, actor):
        require_below_threshold(amount, actor)


def is_own(kind: Kind, account: Account, actor: User) -> bool:
    """Return whether ``actor`` needs no permission to move money of ``account`` by ``kind``."""
    return account.is_owned_by(actor) and (settings.SELF_SERVICE_CASH or not kind.rules.moves_cash)


def require_visible(transfer: Transfer | None, transfer_id: UUID, actor: User) -> Transfer:
    """
    Return the transfer, if ``actor`` may see one of its accounts.

    :raises TransferNotFound: if it doesn't exist or they may not see it
    """
    if transfer is None or not any(
        account.is_visible_to(actor) for account in (transfer.source, transfer.dest)
    ):
        raise TransferNotFound(transfer_id)
    return transfer


def require_party(kind: Kind, *, source: Account, dest: Account, actor: User) -> None:
    """
    Check that ``actor`` may request a transfer of ``kind`` between two accounts.

    :raises PermissionDenied: if they own no account whose owner may request it, and lack the
        permission of ``kind``
    """
    accounts = {"source": source, "dest": dest}
    *others, last = [accounts[party] for party in kind.rules.owners]
    if not any(account.is_owned_by(actor) for account in others):
        require_own_or(last, actor, kind.rules.permission)


def require_reversal(original: Transfer, actor: User) -> None:
    """
    Check that ``actor`` may reverse ``original``.

    The owner of its destination may. Reversing a DEPOSIT or a WITHDRAWAL also requires the right to
    move cash.

    :raises PermissionDenied: if they don't own the destination and lack ``transfers.reverse_any``,
        or if the transfer moved cash and they may not
    :raises InsufficientScope: if the transfer moved cash, and a service key may not
    """
    require_party(Kind.REVERSAL, source=original.dest, dest=original.source, actor=actor)
    kind = Kind(original.kind)
    if kind.rules.moves_cash:
        rely_on_scope(actor, Scope.CASH_WRITE)
        [party] = kind.rules.owners
        account = {"source": original.source, "dest": original.dest}[party]
        if not _may_move_cash(kind, account, actor):
            require(actor, kind.rules.permission)


def _may_move_cash(kind: Kind, account: Account, actor: User) -> bool:
    return is_own(kind, account, actor) or may(actor, kind.rules.permission)
