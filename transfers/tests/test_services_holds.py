"""What time does to a hold, and how an expired one gives way."""

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
def test_from_that_instant_on_it_is_expired_released_or_not(
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
def test_what_was_resolved_in_time_never_expires(staff, hold, first, second, later, all_rows):
    with clock.at(NOW):
        first(hold_id=hold.pk, actor=staff)
    before = all_rows()

    with clock.at(NOW + later), pytest.raises(HoldAlreadyResolved):
        second(hold_id=hold.pk, actor=staff)

    assert all_rows() == before


def test_money_held_is_not_spent_before_the_hold_expires(alice, hold, mine, all_rows):
    before = all_rows()

    with clock.at(EXPIRED - TICK), pytest.raises(InsufficientFunds) as refused:
        services.withdraw(account_id=mine.pk, amount=21, actor=alice)

    assert refused.value.evidence["available"] == 20
    assert all_rows() == before


def test_an_expired_hold_gives_way_to_whoever_needs_the_money(
    alice, hold, mine, assert_books_balance
):
    with clock.at(EXPIRED):
        withdrawal = services.withdraw(account_id=mine.pk, amount=100, actor=alice)

    assert (withdrawal.kind, withdrawal.amount) == (Kind.WITHDRAWAL, 100)
    assert figures(mine) == (0, 0)
    assert [(amount, at) for amount, _, at in voids_of(hold)] == [(80, EXPIRED)]
    assert_books_balance()


def test_a_release_by_the_ledger_is_nobodys_act(alice, hold, mine):
    with clock.at(EXPIRED):
        services.withdraw(account_id=mine.pk, amount=100, actor=alice)

    assert [actor for _, actor, _ in voids_of(hold)] == [None]


def test_an_expired_hold_stays_where_the_money_suffices(alice, hold, mine, assert_books_balance):
    with clock.at(EXPIRED):
        services.withdraw(account_id=mine.pk, amount=20, actor=alice)

    assert figures(mine) == (80, 80)
    assert voids_of(hold) == []
    assert_books_balance()


def test_an_expired_hold_gives_way_to_a_hold_and_a_reversal_too(
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


def test_a_release_rolls_back_with_a_posting_that_is_refused_all_the_same(
    alice, hold, mine, all_rows
):
    before = all_rows()

    with clock.at(EXPIRED), pytest.raises(InsufficientFunds) as refused:
        services.withdraw(account_id=mine.pk, amount=101, actor=alice)

    refusal = refused.value
    assert (refusal.draft.kind, refusal.evidence["available"]) == (Kind.WITHDRAWAL, 100)
    assert all_rows() == before


def test_the_index_is_that_of_the_callers_order_after_releases(
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

    # The first two needed the hold's money, and are order 0 and 1 behind its release.
    assert refused.value.index == 2
    assert all_rows() == before


def test_a_batch_answers_with_the_callers_transfers_only(alice, hold, mine, theirs):
    orders = [Order(source_id=mine.pk, dest_id=theirs.pk, amount=amount) for amount in (60, 40)]

    with clock.at(EXPIRED):
        posted = services.post_batch(orders=orders, actor=alice)

    assert [(each.kind, each.amount) for each in posted] == [("TRANSFER", 60), ("TRANSFER", 40)]


@pytest.mark.parametrize("frozen", [False, True])
def test_expired_holds_are_released_by_command_on_a_frozen_account_too(
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
