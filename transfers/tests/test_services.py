"""What each service moves and records."""

from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.exceptions import AccountNotFound
from accounts.models import Account, external_account_id
from accounts.services import set_overdraft_limit
from transfers import clock, services
from transfers.exceptions import InsufficientFunds, TransferNotFound
from transfers.kinds import Kind
from transfers.models import LedgerEntry, Transfer
from transfers.services import Order
from transfers.tests.ledgers import NOW

OUTSIDE = external_account_id("USD")
WEEK = timedelta(days=7)


def figures(account):
    """Return an account's current balance, held amount and version in the database."""
    fresh = Account.objects.get(pk=account.pk)
    return fresh.balance, fresh.held, fresh.version


def written(transfer):
    """Return a transfer's row without its id."""
    fields = Transfer.objects.filter(pk=transfer.pk).values().get()
    assert fields.pop("id") == transfer.pk
    return fields


def row(**fields):
    """Return the expected row of a transfer of 30 USD made now, changed by ``fields``."""
    nothing = ["memo", "expires_at", "hold_id", "reverses_id", "held", "hold_sequence"]
    return {
        **dict.fromkeys(nothing),
        "amount": 30,
        "currency": "USD",
        "metadata": {},
        "created_at": NOW,
        **fields,
    }


def entries(transfer):
    """Return a transfer's entries, the DEBIT last: account, type, amount, balance, sequence."""
    sides = LedgerEntry.objects.filter(transfer=transfer).order_by("type")
    return list(sides.values_list("account_id", "type", "amount", "balance", "sequence"))


@pytest.fixture(autouse=True)
def _at_noon():
    with clock.at(NOW):
        yield


@pytest.fixture
def mine(alice, funded_account):
    return funded_account(alice, 100)


@pytest.fixture
def theirs(bob, funded_account):
    return funded_account(bob)


@pytest.fixture
def order(mine, theirs):
    return Order(source_id=mine.pk, dest_id=theirs.pk, amount=30)


def test_a_deposit_brings_money_in(alice, mine, assert_books_balance):
    details = {"memo": "Salary", "metadata": {"month": "January"}}

    deposit = services.deposit(account_id=mine.pk, amount=30, actor=alice, **details)

    kind = {"kind": "DEPOSIT", "source_id": OUTSIDE, "dest_id": mine.pk}
    assert written(deposit) == row(**kind, **details, created_by_id=alice.pk)
    assert entries(deposit) == [
        (mine.pk, "CREDIT", 30, 130, 2),
        (OUTSIDE, "DEBIT", 30, None, None),
    ]
    assert figures(mine) == (130, 0, 2)
    assert_books_balance()


def test_a_withdrawal_takes_money_out(alice, mine, assert_books_balance):
    details = {"memo": "Cash", "metadata": {"machine": "7"}}

    withdrawal = services.withdraw(account_id=mine.pk, amount=30, actor=alice, **details)

    kind = {"kind": "WITHDRAWAL", "source_id": mine.pk, "dest_id": OUTSIDE}
    assert written(withdrawal) == row(**kind, **details, created_by_id=alice.pk)
    assert entries(withdrawal) == [
        (OUTSIDE, "CREDIT", 30, None, None),
        (mine.pk, "DEBIT", 30, 70, 2),
    ]
    assert figures(mine) == (70, 0, 2)
    assert_books_balance()


def test_a_transfer_moves_money_between_two_accounts(alice, mine, theirs, assert_books_balance):
    details = {"memo": "Rent", "metadata": {"flat": "12"}}
    order = Order(source_id=mine.pk, dest_id=theirs.pk, amount=30, **details)

    transfer = services.transfer(order=order, actor=alice)

    kind = {"kind": "TRANSFER", "source_id": mine.pk, "dest_id": theirs.pk}
    assert written(transfer) == row(**kind, **details, created_by_id=alice.pk)
    assert entries(transfer) == [
        (theirs.pk, "CREDIT", 30, 30, 1),
        (mine.pk, "DEBIT", 30, 70, 2),
    ]
    assert (figures(mine), figures(theirs)) == ((70, 0, 2), (30, 0, 1))
    assert_books_balance()


def test_a_hold_reserves_money_for_a_time(alice, mine, theirs, order, assert_books_balance):
    hold = services.hold(order=order, expires_in=WEEK, actor=alice)

    kind = {"kind": "HOLD", "source_id": mine.pk, "dest_id": theirs.pk, "expires_at": NOW + WEEK}
    assert written(hold) == row(**kind, held=30, hold_sequence=1, created_by_id=alice.pk)
    assert entries(hold) == []
    assert (figures(mine), figures(theirs)) == ((100, 30, 1), (0, 0, 0))
    assert_books_balance()


@pytest.mark.parametrize(("asked", "captured"), [(None, 30), (30, 30), (20, 20)])
def test_a_capture_moves_what_was_held_and_releases_the_rest(
    alice, bob, mine, theirs, order, asked, captured, assert_books_balance
):
    hold = services.hold(order=order, expires_in=WEEK, actor=alice)

    capture = services.capture(hold_id=hold.pk, amount=asked, actor=bob)

    kind = {"kind": "CAPTURE", "source_id": mine.pk, "dest_id": theirs.pk, "hold_id": hold.pk}
    kind |= {"held": 0, "hold_sequence": 2}
    assert written(capture) == row(**kind, amount=captured, created_by_id=bob.pk)
    assert entries(capture) == [
        (theirs.pk, "CREDIT", captured, captured, 1),
        (mine.pk, "DEBIT", captured, 100 - captured, 2),
    ]
    assert (figures(mine), figures(theirs)) == ((100 - captured, 0, 2), (captured, 0, 1))
    assert_books_balance()


@pytest.mark.parametrize("party", ["alice", "bob", "staff"])
def test_a_void_releases_a_hold(request, alice, mine, theirs, order, party, assert_books_balance):
    actor = request.getfixturevalue(party)
    hold = services.hold(order=order, expires_in=WEEK, actor=alice)

    void = services.void(hold_id=hold.pk, actor=actor)

    kind = {"kind": "VOID", "source_id": mine.pk, "dest_id": theirs.pk, "hold_id": hold.pk}
    kind |= {"held": 0, "hold_sequence": 2}
    assert written(void) == row(**kind, created_by_id=actor.pk)
    assert entries(void) == []
    assert (figures(mine), figures(theirs)) == ((100, 0, 1), (0, 0, 0))
    assert_books_balance()


def test_a_reversal_moves_a_transfer_back(alice, bob, mine, theirs, order, assert_books_balance):
    transfer = services.transfer(order=order, actor=alice)

    reversal = services.reverse(transfer_id=transfer.pk, actor=bob, memo="Sorry")

    kind = {"kind": "REVERSAL", "source_id": theirs.pk, "dest_id": mine.pk, "memo": "Sorry"}
    assert written(reversal) == row(**kind, reverses_id=transfer.pk, created_by_id=bob.pk)
    assert entries(reversal) == [
        (mine.pk, "CREDIT", 30, 100, 3),
        (theirs.pk, "DEBIT", 30, 0, 2),
    ]
    assert (figures(mine), figures(theirs)) == ((100, 0, 3), (0, 0, 2))
    assert_books_balance()


def test_a_capture_can_be_reversed(alice, bob, mine, theirs, order, assert_books_balance):
    hold = services.hold(order=order, expires_in=WEEK, actor=alice)
    capture = services.capture(hold_id=hold.pk, amount=20, actor=bob)

    services.reverse(transfer_id=capture.pk, actor=bob)

    assert (figures(mine), figures(theirs)) == ((100, 0, 3), (0, 0, 2))
    assert_books_balance()


def test_a_returned_transfer_has_its_accounts_in_their_new_state(
    alice, mine, theirs, order, django_assert_num_queries
):
    transfer = services.transfer(order=order, actor=alice)

    with django_assert_num_queries(0):
        now = [transfer.source.balance, transfer.dest.balance, transfer.status_at(NOW)]

    assert now == [70, 30, "POSTED"]


@pytest.mark.parametrize("kind", Kind)
def test_an_unknown_account_id_raises_account_not_found(alice, mine, kind):
    absent = uuid4()
    order = Order(source_id=mine.pk, dest_id=absent, amount=1)
    asked = {
        Kind.DEPOSIT: lambda: services.deposit(account_id=absent, amount=1, actor=alice),
        Kind.WITHDRAWAL: lambda: services.withdraw(account_id=absent, amount=1, actor=alice),
        Kind.TRANSFER: lambda: services.transfer(order=order, actor=alice),
        Kind.HOLD: lambda: services.hold(order=order, expires_in=WEEK, actor=alice),
        Kind.CAPTURE: lambda: services.capture(hold_id=absent, actor=alice),
        Kind.VOID: lambda: services.void(hold_id=absent, actor=alice),
        Kind.REVERSAL: lambda: services.reverse(transfer_id=absent, actor=alice),
    }[kind]

    expected = TransferNotFound if kind in ("CAPTURE", "VOID", "REVERSAL") else AccountNotFound
    with pytest.raises(expected):
        asked()


def test_the_external_account_cannot_be_a_source_or_destination(alice, staff, mine):
    refused = []
    for source, dest in [(mine.pk, OUTSIDE), (OUTSIDE, mine.pk)]:
        for actor in (alice, staff):
            order = Order(source_id=source, dest_id=dest, amount=1)
            with pytest.raises(AccountNotFound) as caught:
                services.transfer(order=order, actor=actor)
            refused.append(caught.value.index)

    assert refused == [0, 0, 0, 0]


def test_an_overdraft_can_be_spent(alice, staff, mine, theirs, assert_books_balance):
    set_overdraft_limit(account_id=mine.pk, actor=staff, limit=50)
    order = Order(source_id=mine.pk, dest_id=theirs.pk, amount=150)

    services.transfer(order=order, actor=alice)

    assert (figures(mine), figures(theirs)) == ((-50, 0, 2), (150, 0, 1))
    with pytest.raises(InsufficientFunds):
        services.withdraw(account_id=mine.pk, amount=1, actor=alice)
    assert_books_balance()
