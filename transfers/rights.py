"""Who may move whose money. Not yours and not there are the same 404."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from accounts.exceptions import AccountNotFound
from accounts.models import Account
from accounts.rights import may, require, require_own_or
from transfers.exceptions import TransferNotFound
from transfers.models import Transfer
from transfers.posting import Kind


def require_account(accounts: Mapping[UUID, Account], account_id: UUID) -> Account:
    """
    Return the account, whoever owns it.

    :raises AccountNotFound: if there is no such customer's account
    """
    if account_id not in accounts:
        raise AccountNotFound(account_id)
    return accounts[account_id]


def require_own(accounts: Mapping[UUID, Account], account_id: UUID, actor: User) -> Account:
    """
    Return the account that ``actor`` spends from.

    :raises AccountNotFound: if they may not see it, or it isn't there
    :raises PermissionDenied: if it isn't theirs, and they lack ``transfers.move_any``
    """
    account = require_account(accounts, account_id)
    if not account.is_visible_to(actor):
        raise AccountNotFound(account_id)
    require_own_or(account, actor, "transfers.move_any")
    return account


def require_cash(accounts: Mapping[UUID, Account], account_id: UUID, actor: User) -> Account:
    """
    Return the account whose cash ``actor`` moves in or out.

    Who may move cash may do so at every account, and sees the one that they do it at.

    :raises AccountNotFound: if they may not, and may not even see the account
    :raises PermissionDenied: if they see it, but lack ``transfers.move_cash``
    """
    account = require_account(accounts, account_id)
    if not _may_move_cash(account, actor):
        if not account.is_visible_to(actor):
            raise AccountNotFound(account_id)
        require(actor, "transfers.move_cash")
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


def require_capture(hold: Transfer, actor: User) -> None:
    """
    Check that ``actor`` may capture ``hold``: it is for its dest.

    :raises PermissionDenied: if they don't own that, and lack ``transfers.move_any``
    """
    require_own_or(hold.dest, actor, "transfers.move_any")


def require_void(hold: Transfer, actor: User) -> None:
    """
    Check that ``actor`` may give up ``hold``: either party may.

    :raises PermissionDenied: if they are no party to it, and lack ``transfers.move_any``
    """
    if not hold.source.is_owned_by(actor):
        require_own_or(hold.dest, actor, "transfers.move_any")


def require_reversal(original: Transfer, actor: User) -> None:
    """
    Check that ``actor`` may reverse ``original``: who was credited may give back.

    Reversing a DEPOSIT takes cash out, and reversing a WITHDRAWAL brings it back in.

    :raises PermissionDenied: if they weren't credited, and lack ``transfers.reverse_any``; or if it
        moves cash, which isn't theirs to move
    """
    require_own_or(original.dest, actor, "transfers.reverse_any")
    moved_cash_at = {Kind.DEPOSIT: original.dest, Kind.WITHDRAWAL: original.source}
    account = moved_cash_at.get(Kind(original.kind))
    if account is not None and not _may_move_cash(account, actor):
        require(actor, "transfers.move_cash")


def _may_move_cash(account: Account, actor: User) -> bool:
    is_self_service = settings.SELF_SERVICE_CASH and account.is_owned_by(actor)
    return is_self_service or may(actor, "transfers.move_cash")
