"""The expiry of holds, and the release of expired ones."""

from datetime import timedelta

import pytest

from accounts.exceptions import AccountClosed
from accounts.models import Account
from accounts.services import close, freeze
from transfers import clock, services
from transfers.exceptions import (
    CurrencyMismatch,
    HoldAlreadyResolved,
    HoldExpired,
    InsufficientFunds,
)
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.services import Order
from transfers.tests.ledgers import NOW, TICK

WEEK = timedelta(days=7)
EXPIRED = NOW + WEEK


@pytest.fixture
def mine(alice, funded_account):
    return funded_account(alice, 100)


@pytest.fixture
def theirs(bob, funded_account):
    return funded_account(bob)


@pytest.fixture
def hold(alice, mine, theirs):
    """Alice holds 80 of her 100 for Bob, for a week."""
    order = Order(source_id=mine.pk, dest_id=theirs.pk, amount=80)
    with clock.at(NOW):
        return services.hold(order=order, expires_in=WEEK, actor=alice)


def figures(account):
    fresh = Account.objects.get(pk=account.pk)
    return fresh.balance, fresh.held


def voids_of(hold):
    """Return who voided a hold, and when."""
    voids = Transfer.objects.filter(hold=hold, kind=Kind.VOID)
    return list(voids.values_list("amount", "created_by", "created_at"))


@pytest.mark.parametrize("resolve", [services.capture, services.void])
def test_a_hold_can_be_resolved_until_the_instant_it_expires(staff, hold, mine, resolve):
    with clock.at(EXPIRED - TICK):
        resolve(hold_id=hold.pk, actor=staff)

    assert figures(mine)[1] == 0


@pytest.mark.parametrize("resolve", [services.capture, services.void])
@pytest.mark.parametrize("released", [False, True])
def test_a_hold_is_expired_from_its_expiry_on_whether_released_or_not(
    staff, hold, mine, resolve, released, all_rows
):
    with clock.at(EXPIRED):
        if released:
            services.release_expired_holds(source_id=mine.pk)
        before = all_rows()
        with pytest.raises(HoldExpired):
            resolve(hold_id=hold.pk, actor=staff)

    assert all_rows() == before


@pytest.mark.parametrize("first", [services.capture, services.void])
@pytest.mark.parametrize("second", [services.capture, services.void])
@pytest.mark.parametrize("later", [timedelta(0), WEEK])
def test_a_hold_resolved_before_its_expiry_never_becomes_expired(
    staff, hold, first, second, later, all_rows
):
    with clock.at(NOW):
        first(hold_id=hold.pk, actor=staff)
    before = all_rows()

    with clock.at(NOW + later), pytest.raises(HoldAlreadyResolved):
        second(hold_id=hold.pk, actor=staff)

    assert all_rows() == before


def test_held_money_cannot_be_spent_before_the_hold_expires(alice, hold, mine, all_rows):
    before = all_rows()

    with clock.at(EXPIRED - TICK), pytest.raises(InsufficientFunds) as refused:
        services.withdraw(account_id=mine.pk, amount=21, actor=alice)

    assert refused.value.evidence["available"] == 20
    assert all_rows() == before


def test_an_expired_hold_is_released_when_its_money_is_needed(
    alice, hold, mine, assert_books_balance
):
    with clock.at(EXPIRED):
        withdrawal = services.withdraw(account_id=mine.pk, amount=100, actor=alice)

    assert (withdrawal.kind, withdrawal.amount) == (Kind.WITHDRAWAL, 100)
    assert figures(mine) == (0, 0)
    assert [(amount, at) for amount, _, at in voids_of(hold)] == [(80, EXPIRED)]
    assert_books_balance()


def test_a_release_by_the_ledger_has_no_user(alice, hold, mine):
    with clock.at(EXPIRED):
        services.withdraw(account_id=mine.pk, amount=100, actor=alice)

    assert [actor for _, actor, _ in voids_of(hold)] == [None]


def test_an_expired_hold_is_not_released_if_funds_suffice(alice, hold, mine, assert_books_balance):
    with clock.at(EXPIRED):
        services.withdraw(account_id=mine.pk, amount=20, actor=alice)

    assert figures(mine) == (80, 80)
    assert voids_of(hold) == []
    assert_books_balance()


def test_an_expired_hold_is_released_for_a_hold_or_a_reversal(
    alice, bob, hold, mine, theirs, funded_account, assert_books_balance
):
    paid = services.transfer(
        order=Order(source_id=funded_account(bob, 50).pk, dest_id=mine.pk, amount=50), actor=bob
    )
    order = Order(source_id=mine.pk, dest_id=theirs.pk, amount=70)
    with clock.at(EXPIRED - TICK):
        services.hold(order=order, expires_in=TICK, actor=alice)

    with clock.at(EXPIRED):
        services.hold(order=order, expires_in=WEEK, actor=alice)
        services.reverse(transfer_id=paid.pk, actor=alice)

    assert figures(mine) == (100, 70)
    assert_books_balance()


def test_a_release_is_rolled_back_if_the_posting_is_refused_anyway(alice, hold, mine, all_rows):
    before = all_rows()

    with clock.at(EXPIRED), pytest.raises(InsufficientFunds) as refused:
        services.withdraw(account_id=mine.pk, amount=101, actor=alice)

    refusal = refused.value
    assert (refusal.draft.kind, refusal.evidence["available"]) == (Kind.WITHDRAWAL, 100)
    assert all_rows() == before


def test_the_index_of_a_refused_order_does_not_include_releases(
    alice, bob, hold, mine, theirs, all_rows, funded_account
):
    euros = funded_account(bob, currency="EUR")
    orders = [
        Order(source_id=mine.pk, dest_id=dest.pk, amount=amount)
        for dest, amount in [(theirs, 60), (theirs, 39), (euros, 1)]
    ]
    before = all_rows()

    with clock.at(EXPIRED), pytest.raises(CurrencyMismatch) as refused:
        services.post_batch(orders=orders, actor=alice)

    # The release comes before orders 0 and 1 and doesn't count.
    assert refused.value.index == 2
    assert all_rows() == before


def test_a_batch_returns_no_releases(alice, hold, mine, theirs):
    orders = [Order(source_id=mine.pk, dest_id=theirs.pk, amount=amount) for amount in (60, 40)]

    with clock.at(EXPIRED):
        posted = services.post_batch(orders=orders, actor=alice)

    assert [(each.kind, each.amount) for each in posted] == [("TRANSFER", 60), ("TRANSFER", 40)]


@pytest.mark.parametrize("frozen", [False, True])
def test_expired_holds_of_a_frozen_account_are_released_by_the_command(
    alice, hold, mine, theirs, staff, frozen, assert_books_balance
):
    order = Order(source_id=mine.pk, dest_id=theirs.pk, amount=5)
    with clock.at(NOW):
        services.hold(order=order, expires_in=WEEK - TICK, actor=alice)
        services.hold(order=order, expires_in=WEEK + TICK, actor=alice)
    if frozen:
        freeze(account_id=mine.pk, actor=staff)

    with clock.at(EXPIRED):
        released = services.release_expired_holds(source_id=mine.pk)
        again = services.release_expired_holds(source_id=mine.pk)

    assert (released, again) == (2, 0)
    assert figures(mine) == (100, 5)
    assert voids_of(hold) == [(80, None, EXPIRED)]
    assert_books_balance()


def test_a_hold_whose_dest_is_closed_can_only_be_voided(alice, bob, hold, mine, theirs):
    close(account_id=theirs.pk, actor=bob)

    with clock.at(NOW):
        with pytest.raises(AccountClosed):
            services.capture(hold_id=hold.pk, actor=bob)
        services.void(hold_id=hold.pk, actor=alice)

    assert figures(mine) == (100, 0)
