"""Who may move whose money. Not yours and not there are the same 404."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from accounts.exceptions import AccountNotFound
from accounts.models import Account
from transfers.exceptions import TransferNotFound
from transfers.models import Transfer
from transfers.posting import Kind


def owns(actor: User, account: Account) -> bool:
    """Whether ``actor`` acts for the account: its owner, or staff. Nobody owns an EXTERNAL one."""
    return account.is_visible_to(actor)


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

    :raises AccountNotFound: if it isn't theirs, or isn't there
    """
    account = require_account(accounts, account_id)
    if not owns(actor, account):
        raise AccountNotFound(account_id)
    return account


def require_cash(accounts: Mapping[UUID, Account], account_id: UUID, actor: User) -> Account:
    """
    Return the account whose cash ``actor`` moves in or out.

    :raises AccountNotFound: if they may not even see it
    :raises PermissionDenied: if it is theirs, but cash is for staff and tellers only
    """
    account = require_account(accounts, account_id)
    is_own = owns(actor, account)
    # Who may anyway is not asked for the permission, which takes two queries.
    if actor.is_staff or (is_own and settings.SELF_SERVICE_CASH):
        return account
    if actor.has_perm("transfers.move_cash"):
        return account
    if not is_own:
        raise AccountNotFound(account_id)
    raise PermissionDenied(
        "Deposits and withdrawals are for staff and holders of transfers.move_cash."
    )


def require_visible(transfer: Transfer | None, transfer_id: UUID, actor: User) -> Transfer:
    """
    Return the transfer that ``actor`` is a party to.

    :raises TransferNotFound: if they aren't, or there is none
    """
    if transfer is None or not any(
        owns(actor, account) for account in (transfer.source, transfer.dest)
    ):
        raise TransferNotFound(transfer_id)
    return transfer


def require_reversal(original: Transfer, actor: User) -> None:
    """
    Check that ``actor`` may reverse ``original``: who was credited may give back.

    :raises PermissionDenied: if they may not
    """
    if actor.is_staff:
        return
    if not owns(actor, original.dest):
        raise PermissionDenied("Only the owner of the account that was credited may reverse it.")
    if original.kind == Kind.DEPOSIT and not (
        settings.SELF_SERVICE_CASH or actor.has_perm("transfers.move_cash")
    ):
        raise PermissionDenied("Reversing a deposit takes cash out, which is for staff here.")
