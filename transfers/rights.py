"""Who may move whose money. Not yours and not there are the same 404."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from accounts.exceptions import AccountNotFound
from accounts.models import Account
from accounts.rights import may, require, require_own_or
from transfers.exceptions import TransferNotFound
from transfers.kinds import Kind
from transfers.models import Transfer


def require_account(accounts: Mapping[UUID, Account], account_id: UUID) -> Account:
    """
    Return the account, whoever owns it.

    :raises AccountNotFound: if there is no such customer's account
    """
    if account_id not in accounts:
        raise AccountNotFound(account_id)
    return accounts[account_id]


def require_own(
    kind: Kind, accounts: Mapping[UUID, Account], account_id: UUID, actor: User
) -> Account:
    """
    Return the account that ``actor`` spends from by a transfer of ``kind``.

    :raises AccountNotFound: if they may not see it, or it isn't there
    :raises PermissionDenied: if it isn't theirs, and they lack the permission of ``kind``
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
    Return the account whose cash ``actor`` moves in or out.

    Who may move cash may do so at every account, and sees the one that they do it at.

    :raises AccountNotFound: if they may not, and may not even see the account
    :raises PermissionDenied: if they see it, but lack the permission of ``kind``
    """
    account = require_account(accounts, account_id)
    if not _may_move_cash(kind, account, actor):
        if not account.is_visible_to(actor):
            raise AccountNotFound(account_id)
        require(actor, kind.rules.permission)
    return account


def require_visible(transfer: Transfer | None, transfer_id: UUID, actor: User) -> Transfer:
    """
    Return the transfer if ``actor`` may see one of its accounts.

    :raises TransferNotFound: if they may not, or there is none
    """
    if transfer is None or not any(
        account.is_visible_to(actor) for account in (transfer.source, transfer.dest)
    ):
        raise TransferNotFound(transfer_id)
    return transfer


def require_party(kind: Kind, *, source: Account, dest: Account, actor: User) -> None:
    """
    Check that ``actor`` may ask for a transfer of ``kind`` between two accounts.

    :raises PermissionDenied: if they own neither of those whose owners may, and lack its permission
    """
    accounts = {"source": source, "dest": dest}
    *others, last = [accounts[party] for party in kind.rules.owners]
    if not any(account.is_owned_by(actor) for account in others):
        require_own_or(last, actor, kind.rules.permission)


def require_reversal(original: Transfer, actor: User) -> None:
    """
    Check that ``actor`` may reverse ``original``: who was credited may give back.

    Reversing a DEPOSIT takes cash out, and reversing a WITHDRAWAL brings it back in.

    :raises PermissionDenied: if they weren't credited, and lack ``transfers.reverse_any``; or if it
        moves cash, which isn't theirs to move
    """
    require_party(Kind.REVERSAL, source=original.dest, dest=original.source, actor=actor)
    kind = Kind(original.kind)
    if kind.rules.moves_cash:
        [party] = kind.rules.owners
        account = {"source": original.source, "dest": original.dest}[party]
        if not _may_move_cash(kind, account, actor):
            require(actor, kind.rules.permission)


def _may_move_cash(kind: Kind, account: Account, actor: User) -> bool:
    is_self_service = settings.SELF_SERVICE_CASH and account.is_owned_by(actor)
    return is_self_service or may(actor, kind.rules.permission)
