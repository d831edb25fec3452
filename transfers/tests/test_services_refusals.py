"""A refused request changes no row of the ledger."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from accounts.enums import MONEY_MAX
from accounts.exceptions import AccountClosed, AccountFrozen, AccountNotFound
from accounts.models import Account
from accounts.services import close, freeze
from transfers import services
from transfers.exceptions import (
    AlreadyReversed,
    BalanceLimitExceeded,
    CaptureExceedsHold,
    CurrencyMismatch,
    DestinationUnavailable,
    HoldAlreadyResolved,
    InsufficientFunds,
    NotAHold,
    NotReversible,
    SameAccount,
    TransferNotFound,
)
from transfers.services import Order

WEEK = timedelta(days=7)


class Scene:
    """Alice's and Bob's accounts, and one transfer of each kind between them."""

    def __init__(self, alice, bob, staff, fund):
        self.alice, self.bob, self.staff = alice, bob, staff
        self.mine, self.theirs = fund(alice, 200), fund(bob, 100)
        self.euros = fund(alice, 100, currency="EUR")
        self.rich = fund(bob, MONEY_MAX)
        self.frozen, self.closed = fund(alice, 100), fund(alice)
        self.iced = fund(bob)
        for account in (self.frozen, self.iced):
            freeze(account_id=account.pk, actor=staff)
        close(account_id=self.closed.pk, actor=alice)
        self.deposit = services.deposit(account_id=self.mine.pk, amount=50, actor=alice)
        self.withdrawal = services.withdraw(account_id=self.mine.pk, amount=50, actor=alice)
        self.transfer = self.pay()
        self.reversed = self.pay()
        self.reversal = services.reverse(transfer_id=self.reversed.pk, actor=bob)
        self.hold, self.captured, self.voided = self.reserve(), self.reserve(), self.reserve()
        self.capture = services.capture(hold_id=self.captured.pk, actor=bob)
        self.void = services.void(hold_id=self.voided.pk, actor=bob)

    def order(self, source=None, dest=None, amount=10):
        source_id, dest_id = (source or self.mine).pk, (dest or self.theirs).pk
        return Order(source_id=source_id, dest_id=dest_id, amount=amount)

    def pay(self, *parties, actor=None, **fields):
        order = self.order(*parties, **fields)
        return services.transfer(order=order, actor=actor or self.alice)

    def reserve(self, *parties, actor=None, **fields):
        order = self.order(*parties, **fields)
        return services.hold(order=order, expires_in=WEEK, actor=actor or self.alice)

    def draw(self, account, amount):
        return services.withdraw(account_id=account.pk, amount=amount, actor=self.alice)

    def capture_(self, transfer, actor=None, amount=None):
        actor = actor or self.staff
        return services.capture(hold_id=transfer.pk, actor=actor, amount=amount)

    def void_(self, transfer, actor=None):
        return services.void(hold_id=transfer.pk, actor=actor or self.staff)

    def reverse_(self, transfer, actor=None):
        return services.reverse(transfer_id=transfer.pk, actor=actor or self.staff)


@pytest.fixture
def scene(alice, bob, staff, funded_account):
    return Scene(alice, bob, staff, funded_account)


REFUSALS = {
    "more than the balance": (InsufficientFunds, lambda s: s.pay(amount=10**6)),
    "more than there is, held": (InsufficientFunds, lambda s: s.reserve(amount=10**6)),
    "more than there is, in cash": (InsufficientFunds, lambda s: s.draw(s.mine, 10**6)),
    "to the same account": (SameAccount, lambda s: s.pay(s.mine, s.mine)),
    "held for the same account": (SameAccount, lambda s: s.reserve(s.mine, s.mine)),
    "into another currency": (CurrencyMismatch, lambda s: s.pay(s.mine, s.euros)),
    "held in another currency": (CurrencyMismatch, lambda s: s.reserve(s.mine, s.euros)),
    "past the cap": (BalanceLimitExceeded, lambda s: s.pay(s.mine, s.rich, actor=s.staff)),
    "beyond the largest balance of a hidden account": (
        DestinationUnavailable,
        lambda s: s.pay(s.mine, s.rich),
    ),
    "held for a frozen hidden account": (
        DestinationUnavailable,
        lambda s: s.reserve(s.mine, s.iced),
    ),
    "from a frozen account": (AccountFrozen, lambda s: s.pay(s.frozen, s.theirs)),
    "to a frozen account": (AccountFrozen, lambda s: s.pay(s.mine, s.frozen)),
    "cash of a frozen account": (AccountFrozen, lambda s: s.draw(s.frozen, 1)),
    "to a closed account": (AccountClosed, lambda s: s.pay(s.mine, s.closed)),
    "from a closed account": (AccountClosed, lambda s: s.pay(s.closed, s.theirs)),
    "from another's account": (AccountNotFound, lambda s: s.pay(s.theirs, s.mine)),
    "held from another's account": (AccountNotFound, lambda s: s.reserve(s.theirs, s.mine)),
    "cash of another's account": (AccountNotFound, lambda s: s.draw(s.theirs, 1)),
    "a capture beyond the hold": (CaptureExceedsHold, lambda s: s.capture_(s.hold, amount=11)),
    "a capture after a capture": (HoldAlreadyResolved, lambda s: s.capture_(s.captured)),
    "a capture after a void": (HoldAlreadyResolved, lambda s: s.capture_(s.voided)),
    "a void after a capture": (HoldAlreadyResolved, lambda s: s.void_(s.captured)),
    "a void after a void": (HoldAlreadyResolved, lambda s: s.void_(s.voided)),
    "a capture of a transfer": (NotAHold, lambda s: s.capture_(s.transfer)),
    "a void of a deposit": (NotAHold, lambda s: s.void_(s.deposit)),
    "a capture by the payer": (PermissionDenied, lambda s: s.capture_(s.hold, s.alice)),
    "a second reversal": (AlreadyReversed, lambda s: s.reverse_(s.reversed)),
    "a reversal of a hold": (NotReversible, lambda s: s.reverse_(s.hold)),
    "a reversal of a void": (NotReversible, lambda s: s.reverse_(s.void)),
    "a reversal of a reversal": (NotReversible, lambda s: s.reverse_(s.reversal)),
    "a reversal by the payer": (PermissionDenied, lambda s: s.reverse_(s.transfer, s.alice)),
    "cash put back by its owner": (PermissionDenied, lambda s: s.reverse_(s.withdrawal, s.alice)),
    "capture by another user": (TransferNotFound, lambda s: s.capture_(s.deposit, s.bob)),
    "void by another user": (TransferNotFound, lambda s: s.void_(s.deposit, s.bob)),
    "reversal by another user": (TransferNotFound, lambda s: s.reverse_(s.deposit, s.bob)),
}


@pytest.mark.parametrize(("refusal", "attempt"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_changes_nothing(scene, refusal, attempt, all_rows, assert_books_balance):
    before = all_rows()

    with pytest.raises(refusal):
        attempt(scene)

    assert all_rows() == before
    assert_books_balance()


@pytest.mark.parametrize("amount", [0, -1])
def test_a_non_positive_amount_is_refused_by_the_database(scene, amount, all_rows):
    before = all_rows()

    with pytest.raises(IntegrityError, match="within_bounds"), transaction.atomic():
        scene.reserve(amount=amount)

    assert all_rows() == before


def test_a_reversal_that_the_destination_cannot_afford_is_refused(scene, all_rows):
    services.withdraw(account_id=scene.theirs.pk, amount=115, actor=scene.bob)
    before = all_rows()

    with pytest.raises(InsufficientFunds) as refused:
        scene.reverse_(scene.transfer)

    available = Account.objects.get(pk=scene.theirs.pk).available
    assert refused.value.evidence["available"] == available == 5
    assert all_rows() == before


def test_only_staff_can_reverse_a_transfer_of_a_frozen_account(scene, assert_books_balance):
    freeze(account_id=scene.theirs.pk, actor=scene.staff)

    with pytest.raises(AccountFrozen):
        scene.reverse_(scene.transfer, scene.bob)
    reversal = scene.reverse_(scene.transfer)

    assert reversal.source.balance == 110
    assert_books_balance()


@pytest.mark.parametrize("verb", [services.capture, services.void])
def test_an_unknown_hold_raises_transfer_not_found(staff, verb):
    with pytest.raises(TransferNotFound):
        verb(hold_id=uuid4(), actor=staff)
