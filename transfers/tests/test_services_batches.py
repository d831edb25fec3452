"""Batches, and postings inside the caller's own transaction."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from accounts.exceptions import AccountNotFound
from accounts.models import Account
from transfers import services
from transfers.exceptions import InsufficientFunds, SameAccount
from transfers.models import Transfer
from transfers.services import Order


@pytest.fixture
def mine(alice, funded_account):
    return funded_account(alice, 100)


@pytest.fixture
def savings(alice, funded_account):
    return funded_account(alice)


@pytest.fixture
def theirs(bob, funded_account):
    return funded_account(bob)


def order(source, dest, amount):
    return Order(source_id=source.pk, dest_id=dest.pk, amount=amount)


def balances(*accounts):
    return [Account.objects.get(pk=account.pk).balance for account in accounts]


def test_each_order_of_a_batch_sees_the_effects_of_those_before_it(
    alice, mine, savings, theirs, assert_books_balance
):
    orders = [order(mine, savings, 100), order(savings, mine, 30), order(savings, theirs, 70)]

    posted = services.post_batch(orders=orders, actor=alice)

    stored = Transfer.objects.filter(kind="TRANSFER").order_by("pk")
    assert [each.amount for each in posted] == [100, 30, 70]
    assert list(stored) == posted
    assert balances(mine, savings, theirs) == [30, 0, 70]
    assert_books_balance()


def test_a_returned_batch_has_its_accounts_in_their_final_state(alice, mine, theirs):
    posted = services.post_batch(orders=[order(mine, theirs, 10)] * 2, actor=alice)

    assert [(each.source.balance, each.dest.balance) for each in posted] == [(80, 20)] * 2


def test_one_refused_order_refuses_the_whole_batch(alice, mine, theirs, all_rows):
    orders = [order(mine, theirs, 60), order(mine, theirs, 40), order(mine, theirs, 1)]
    before = all_rows()

    with pytest.raises(InsufficientFunds) as refused:
        services.post_batch(orders=[*orders, order(mine, mine, 1)], actor=alice)

    assert (refused.value.index, refused.value.evidence["shortfall"]) == (2, 1)
    assert all_rows() == before


def test_ownership_of_all_sources_is_checked_before_any_rule(alice, mine, theirs, all_rows):
    orders = [order(mine, mine, 1), order(mine, theirs, 10**6), order(theirs, mine, 1)]
    before = all_rows()

    with pytest.raises(AccountNotFound) as refused:
        services.post_batch(orders=orders, actor=alice)

    assert refused.value.index == 2
    assert all_rows() == before


def test_the_rules_are_checked_in_the_order_of_the_batch(alice, mine, theirs):
    orders = [order(mine, theirs, 1), order(mine, mine, 1), order(mine, theirs, 10**6)]

    with pytest.raises(SameAccount) as refused:
        services.post_batch(orders=orders, actor=alice)

    assert refused.value.index == 1


def test_a_posting_rolls_back_with_the_callers_transaction(alice, mine, theirs, all_rows):
    before = all_rows()

    with transaction.atomic():
        services.transfer(order=order(mine, theirs, 10), actor=alice)
        services.withdraw(account_id=mine.pk, amount=5, actor=alice)
        within = balances(mine, theirs)
        transaction.set_rollback(True)

    assert within == [85, 10]
    assert all_rows() == before


def test_a_caller_can_catch_a_refusal_and_continue_its_transaction(
    alice, mine, theirs, assert_books_balance
):
    with transaction.atomic():
        User.objects.filter(pk=alice.pk).update(first_name="Alice")
        services.transfer(order=order(mine, theirs, 10), actor=alice)
        with pytest.raises(InsufficientFunds):
            services.transfer(order=order(mine, theirs, 91), actor=alice)
        services.transfer(order=order(mine, theirs, 20), actor=alice)

    assert User.objects.get(pk=alice.pk).first_name == "Alice"
    assert balances(mine, theirs) == [70, 30]
    assert_books_balance()


def test_a_callers_transaction_cannot_commit_half_of_a_posting(alice, mine, theirs, all_rows):
    before = all_rows()

    with transaction.atomic():
        with pytest.raises(IntegrityError):
            services.transfer(order=order(mine, theirs, 0), actor=alice)
        doomed = transaction.get_rollback()

    assert doomed is True
    assert all_rows() == before


@pytest.mark.django_db(transaction=True)
def test_a_posting_outside_a_transaction_is_committed_at_once(
    alice, mine, theirs, race, assert_books_balance
):
    services.transfer(order=order(mine, theirs, 10), actor=alice)

    [seen_by_another] = race(lambda: balances(mine, theirs))

    assert seen_by_another == [90, 10]
    assert_books_balance()
