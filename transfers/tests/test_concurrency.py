"""Races with real threads and real commits. Whichever request wins, the books balance."""

import threading
import time
from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import chain

import pytest
from django.db import transaction

from accounts.exceptions import AccountFrozen
from accounts.models import Account, AccountChange
from accounts.services import close, freeze
from transfers import services
from transfers.kinds import Kind
from transfers.models import LedgerEntry, Transfer
from transfers.services import Order

pytestmark = pytest.mark.django_db(transaction=True)

WEEK = timedelta(days=7)


def outcomes(results):
    """Count the outcomes of concurrent calls: the kind of a transfer or the code of an error."""
    return Counter(
        result.kind if isinstance(result, Transfer) else result.code for result in results
    )


def pay(source, dest, amount, actor):
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=amount)
    return services.transfer(order=order, actor=actor)


def many(count, call):
    """Return a function that calls ``call`` ``times`` times, each in its own transaction."""
    return lambda: [call() for _ in range(count)]


def fresh(account):
    return Account.objects.get(pk=account.pk)


@pytest.fixture
def mine(alice, funded_account):
    return funded_account(alice, 1_000)


@pytest.fixture
def theirs(bob, funded_account):
    return funded_account(bob, 1_000)


@pytest.fixture
def hold(alice, mine, theirs):
    order = Order(source_id=mine.pk, dest_id=theirs.pk, amount=600)
    return services.hold(order=order, expires_in=WEEK, actor=alice)


def test_only_one_of_many_withdrawals_gets_the_last_cent(
    alice, funded_account, race, assert_books_balance
):
    purse = funded_account(alice, 1)
    withdraw = partial(services.withdraw, account_id=purse.pk, amount=1, actor=alice)

    results = race(*[withdraw] * 12)

    assert outcomes(results) == {"WITHDRAWAL": 1, "insufficient_funds": 11}
    assert fresh(purse).balance == 0
    assert_books_balance()


def test_only_one_of_many_holds_reserves_the_last_cent(
    alice, theirs, funded_account, race, assert_books_balance
):
    purse = funded_account(alice, 1)
    order = Order(source_id=purse.pk, dest_id=theirs.pk, amount=1)

    results = race(*[partial(services.hold, order=order, expires_in=WEEK, actor=alice)] * 8)

    assert outcomes(results) == {"HOLD": 1, "insufficient_funds": 7}
    assert fresh(purse).held == 1
    assert_books_balance()


def test_opposing_transfers_all_succeed_and_lose_no_money(
    alice, bob, mine, theirs, race, assert_books_balance
):
    there = many(25, partial(pay, mine, theirs, 3, alice))
    back = many(25, partial(pay, theirs, mine, 2, bob))

    results = race(*[there, back] * 4)

    assert outcomes(chain(*results)) == {"TRANSFER": 200}
    assert (fresh(mine).balance, fresh(theirs).balance) == (900, 1_100)
    assert (fresh(mine).version, fresh(theirs).version) == (201, 201)
    assert_books_balance()


def test_concurrent_deposits_into_one_account_are_all_posted(
    alice, funded_account, race, assert_books_balance
):
    purse = funded_account(alice)
    deposit = partial(services.deposit, account_id=purse.pk, amount=7, actor=alice)

    results = race(*[many(25, deposit)] * 8)

    sequences = LedgerEntry.objects.filter(account=purse).order_by("sequence")
    assert outcomes(chain(*results)) == {"DEPOSIT": 200}
    assert (fresh(purse).balance, fresh(purse).version) == (1_400, 200)
    assert list(sequences.values_list("sequence", flat=True)) == list(range(1, 201))
    assert_books_balance()


def test_only_one_of_many_captures_and_voids_resolves_a_hold(
    staff, mine, theirs, hold, race, assert_books_balance
):
    capture = partial(services.capture, hold_id=hold.pk, actor=staff)
    void = partial(services.void, hold_id=hold.pk, actor=staff)

    results = race(*[capture, void] * 8)

    resolution = Transfer.objects.get(hold=hold)
    moved = 600 if resolution.kind == Kind.CAPTURE else 0
    assert outcomes(results) == {resolution.kind: 1, "hold_already_resolved": 15}
    assert (fresh(mine).balance, fresh(mine).held) == (1_000 - moved, 0)
    assert fresh(theirs).balance == 1_000 + moved
    assert_books_balance()


def test_only_one_of_many_reversals_reverses_a_transfer(
    alice, bob, mine, theirs, race, assert_books_balance
):
    paid = pay(mine, theirs, 400, alice)

    results = race(*[partial(services.reverse, transfer_id=paid.pk, actor=bob)] * 12)

    assert outcomes(results) == {"REVERSAL": 1, "already_reversed": 11}
    assert (fresh(mine).balance, fresh(theirs).balance) == (1_000, 1_000)
    assert_books_balance()


def test_the_money_of_an_expired_hold_goes_to_only_one_of_many_requests(
    alice, mine, theirs, race, assert_books_balance
):
    order = Order(source_id=mine.pk, dest_id=theirs.pk, amount=900)
    expired = services.hold(order=order, expires_in=timedelta(microseconds=1), actor=alice)
    withdraw = partial(services.withdraw, account_id=mine.pk, amount=1_000, actor=alice)
    release = partial(services.release_expired_holds, source_id=mine.pk)

    results = race(*[withdraw] * 6, *[release] * 6)

    assert outcomes(results[:6]) == {"WITHDRAWAL": 1, "insufficient_funds": 5}
    assert sorted(results[6:]) in ([0] * 6, [0] * 5 + [1])
    assert Transfer.objects.get(hold=expired).kind == Kind.VOID
    assert (fresh(mine).balance, fresh(mine).held) == (0, 0)
    assert_books_balance()


@pytest.mark.parametrize("_attempt", range(5))
def test_a_close_and_a_concurrent_deposit_exclude_each_other(
    alice, funded_account, race, assert_books_balance, _attempt
):
    purse = funded_account(alice)
    deposit = partial(services.deposit, account_id=purse.pk, amount=5, actor=alice)

    closed, deposited = race(partial(close, account_id=purse.pk, actor=alice), deposit)

    left = fresh(purse)
    if isinstance(deposited, Transfer):
        assert (closed.code, left.status, left.balance) == ("account_not_empty", "OPEN", 5)
    else:
        assert (deposited.code, left.status, left.balance) == ("account_closed", "CLOSED", 0)
    assert_books_balance()


def test_no_transfer_is_posted_after_a_freeze(
    alice, staff, mine, theirs, race, assert_books_balance
):
    def pay_until_refused():
        while isinstance(outcome := attempt(), Transfer):
            paid.append(outcome)
            # SQLite doesn't queue for its lock, and the freeze requests it least often.
            time.sleep(0.01)
        return outcome

    def attempt():
        try:
            return pay(mine, theirs, 1, alice)
        except AccountFrozen as refusal:
            return refusal

    paid = []

    *refusals, frozen = race(
        *[pay_until_refused] * 4, partial(freeze, account_id=mine.pk, actor=staff)
    )

    assert outcomes(refusals) == {"account_frozen": 4}
    assert frozen.balance == fresh(mine).balance == 1_000 - len(paid)
    assert fresh(mine).status == "FROZEN"
    assert AccountChange.objects.filter(account=mine).count() == 1
    assert_books_balance()


def test_a_capture_that_waits_for_a_lock_until_the_hold_expires_is_refused(
    alice, staff, mine, theirs, race, assert_books_balance
):
    order = Order(source_id=mine.pk, dest_id=theirs.pk, amount=600)
    placed = services.hold(order=order, expires_in=timedelta(seconds=1), actor=alice)
    locked = threading.Event()

    def sit_on_the_account():
        with transaction.atomic():
            Account.objects.locked(mine.pk)
            locked.set()
            time.sleep(1.2)

    def capture():
        locked.wait(timeout=300)
        return services.capture(hold_id=placed.pk, actor=staff)

    _, refusal = race(sit_on_the_account, capture)

    assert refusal.code == "hold_expired"
    assert fresh(theirs).balance == 1_000
    assert_books_balance()
