"""
Requests that wait for a second person: ask for something, approve it, decline it, withdraw it.

What is approved is carried out by the usual services, as the user who asked and exactly as they
asked, in the transaction that stores the decision. The approval is locked first, so two people who
approve at the same time have one effect.
"""

from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.exceptions import AccountNotFound
from accounts.models import Account, AccountChange
from accounts.rights import require
from accounts.services import set_overdraft_limit
from database.rehearsal import rolled_back
from transfers import clock, services
from transfers.approvals.exceptions import (
    AlreadyDecided,
    ApprovalNotFound,
    OwnRequest,
    RequesterNotAllowed,
)
from transfers.approvals.models import LIMIT, Approval
from transfers.approvals.statuses import ApprovalStatus
from transfers.exceptions import TransferNotFound
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.movements import Order
from transfers.recording import in_transaction


def ask_for_order(*, order: Order, actor: User) -> Approval:
    """
    Ask for a deposit, withdrawal, transfer or hold, and return the approval that waits.

    :raises: as ``transfers.services.transfer``, if the ledger would refuse it now
    """
    accounts = Account.objects.by_id(*order.parties)
    draft = order.draft(accounts)
    seconds = None if order.expires_in is None else int(order.expires_in.total_seconds())
    approval = Approval(
        kind=order.kind.value,
        source_id=draft.source,
        dest_id=draft.dest,
        amount=order.amount,
        currency=next(iter(accounts.values())).currency,
        memo=order.memo,
        metadata=dict(order.metadata),
        expires_in=seconds,
        requested_by=actor,
    )
    return _ask(approval)


def ask_for_reversal(*, transfer_id: UUID, actor: User, memo: str | None = None) -> Approval:
    """
    Ask for the reversal of a transfer, and return the approval that waits.

    If ``actor`` has asked for it before and that still waits, it is the same one: a transfer can be
    reversed only once.

    :raises: as ``transfers.services.reverse``, if the ledger would refuse it now
    """
    original = Transfer.objects.get(pk=transfer_id)
    approval = Approval(
        kind=Kind.REVERSAL.value,
        source_id=original.dest_id,
        dest_id=original.source_id,
        reverses=original,
        amount=original.amount,
        currency=original.currency,
        memo=memo,
        requested_by=actor,
    )
    return _ask(approval)


def ask_for_limit(*, account_id: UUID, actor: User, limit: int, reason: str) -> Approval:
    """
    Ask for an overdraft limit (minor units), and return the approval that waits.

    :raises: as ``accounts.services.set_overdraft_limit``, if the ledger would refuse it now
    """
    account = Account.objects.get(pk=account_id)
    approval = Approval(
        kind=LIMIT,
        account=account,
        amount=limit,
        currency=account.currency,
        memo=reason,
        requested_by=actor,
    )
    return _ask(approval)


def find(*, approval_id: UUID, actor: User) -> Approval:
    """
    Return an approval that ``actor`` may see.

    :raises ApprovalNotFound: if it doesn't exist or they may not see it
    """
    people = Approval.objects.select_related("requested_by", "decided_by")
    approval = people.visible_to(actor).filter(pk=approval_id).first()
    if approval is None:
        raise ApprovalNotFound(approval_id)
    return approval


@transaction.atomic
def approve(*, approval_id: UUID, actor: User, note: str = "") -> Approval:
    """
    Approve a request, carry it out, and return the approval with the result.

    If the ledger refuses, nothing changes and the request goes on waiting.

    :raises ApprovalNotFound, PermissionDenied, OwnRequest, AlreadyDecided: as ``decline``
    :raises RequesterNotAllowed: if the requester may no longer do it
    :raises LedgerError: if another rule of the ledger is broken
    """
    approval = _pending_for_another(approval_id, actor)
    try:
        _carry_out(approval)
    except (AccountNotFound, TransferNotFound, PermissionDenied) as refusal:
        raise RequesterNotAllowed(approval.requested_by.get_username()) from refusal
    return _decide(approval, ApprovalStatus.APPROVED, actor, note)


@transaction.atomic
def decline(*, approval_id: UUID, actor: User, reason: str) -> Approval:
    """
    Decline a request, and return the approval. Nothing else changes.

    :raises ApprovalNotFound: if it doesn't exist or ``actor`` may not see it
    :raises PermissionDenied: if they lack ``transfers.approve``
    :raises OwnRequest: if they have asked for it themselves
    :raises AlreadyDecided: if it isn't pending
    """
    approval = _pending_for_another(approval_id, actor)
    return _decide(approval, ApprovalStatus.DECLINED, actor, reason)


@transaction.atomic
def withdraw(*, approval_id: UUID, actor: User, note: str = "") -> Approval:
    """
    Withdraw one's own request, and return the approval. Nothing else changes.

    :raises ApprovalNotFound: if it doesn't exist or ``actor`` may not see it
    :raises PermissionDenied: if somebody else has asked for it
    :raises AlreadyDecided: if it isn't pending
    """
    if find(approval_id=approval_id, actor=actor).requested_by_id != actor.pk:
        raise PermissionDenied("Only the requester can withdraw a request. You can decline it.")
    return _decide(_locked(approval_id), ApprovalStatus.WITHDRAWN, actor, note)


@in_transaction
def _ask(approval: Approval) -> Approval:
    """Store a request, if the ledger would carry it out now."""
    with rolled_back():
        _carry_out(approval)
    if approval.kind == Kind.REVERSAL:
        # Those who ask at the same time wait for each other.
        Account.objects.locked(*filter(None, [approval.source_id, approval.dest_id]))
        waiting = Approval.objects.filter(status=ApprovalStatus.PENDING, reverses=approval.reverses)
        if same := waiting.filter(requested_by=approval.requested_by).first():
            return same
    approval.transfer = approval.change = None
    approval.requested_at = clock.now()
    approval.save(force_insert=True)
    return approval


def _carry_out(approval: Approval) -> None:
    """Do what was asked for, as the user who asked, and note the result in ``approval``."""
    requester = approval.requested_by
    if not requester.is_active:
        raise PermissionDenied()
    if approval.kind == LIMIT:
        assert approval.account_id is not None
        set_overdraft_limit(
            account_id=approval.account_id,
            actor=requester,
            limit=approval.amount,
            reason=approval.memo or "",
            is_approved=True,
        )
        # If the account already has this limit, it is the change that has set it.
        approval.change = AccountChange.objects.filter(
            account=approval.account_id, action=AccountChange.Action.SET_OVERDRAFT_LIMIT
        ).latest("pk")
    elif approval.kind == Kind.REVERSAL:
        assert approval.reverses_id is not None
        approval.transfer = services.reverse(
            transfer_id=approval.reverses_id, actor=requester, memo=approval.memo, is_approved=True
        )
    else:
        approval.transfer = services.transfer(
            order=approval.order, actor=requester, is_approved=True
        )


def _pending_for_another(approval_id: UUID, actor: User) -> Approval:
    """
    Lock an approval that ``actor`` may decide, and return it.

    :raises ApprovalNotFound, PermissionDenied, OwnRequest, AlreadyDecided: as ``decline``
    """
    # The right is checked first, so that nobody else can wait for the lock or hold it.
    found = find(approval_id=approval_id, actor=actor)
    require(actor, "transfers.approve")
    if found.requested_by_id == actor.pk:
        raise OwnRequest()
    return _locked(approval_id)


def _locked(approval_id: UUID) -> Approval:
    approvals = Approval.objects.select_related("requested_by")
    approval = approvals.select_for_update(of=("self",), no_key=True).get(pk=approval_id)
    if approval.status != ApprovalStatus.PENDING:
        raise AlreadyDecided(approval.status)
    return approval


def _decide(approval: Approval, status: ApprovalStatus, actor: User, note: str) -> Approval:
    approval.status, approval.note = status.value, note
    approval.decided_by, approval.decided_at = actor, clock.now()
    approval.save(
        update_fields=["status", "note", "decided_by", "decided_at", "transfer", "change"]
    )
    return approval
