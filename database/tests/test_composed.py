"""A composed query returns the same rows as its QuerySet with the values of the call."""

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError

from accounts.models import Account
from database.composed import ComposedQuery, Placeholder

pytestmark = pytest.mark.django_db


def by_id():
    account_id = Placeholder()
    return ComposedQuery(Account.objects.filter(pk=account_id), [account_id])


def columns(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_row_has_the_same_columns_as_one_of_the_queryset(alice, funded_account):
    account = funded_account(alice, balance=7, metadata={"colour": "blue"})
    query = by_id()

    [found] = query(account.pk)

    assert columns(found) == columns(Account.objects.get(pk=account.pk))
    assert (found._state.adding, found._state.db) == (False, "default")


def test_each_value_replaces_its_placeholder(alice, bob, funded_account):
    accounts = [funded_account(owner, currency="EUR") for owner in (alice, bob)]
    owner_id, account_id = Placeholder(), Placeholder()
    query = ComposedQuery(
        Account.objects.filter(currency="EUR", pk=account_id, owner_id=owner_id),
        [owner_id, account_id],
    )

    assert [query(owner.pk, account.pk) for owner in (alice, bob) for account in accounts] == [
        [accounts[0]],
        [],
        [],
        [accounts[1]],
    ]


def test_a_values_list_returns_named_tuples(alice, funded_account):
    account = funded_account(alice, balance=7)
    named = Account.objects.annotate(username=F("owner__username"))
    named = named.values_list("username", "balance", "created_at", named=True)
    account_id = Placeholder()
    query = ComposedQuery(named.filter(pk=account_id), [account_id])

    [found] = query(account.pk)

    assert found == tuple(named.get(pk=account.pk))
    assert (found.username, found.balance, found.created_at) == ("alice", 7, account.created_at)


def test_a_boolean_column_is_read_as_a_boolean(alice, staff):
    user_id = Placeholder()
    query = ComposedQuery(User.objects.filter(pk=user_id, is_active=True), [user_id])

    assert [query(user.pk)[0].is_staff for user in (alice, staff)] == [False, True]


def test_placeholders_with_equal_values_are_not_confused(alice, funded_account):
    account = funded_account(alice, balance=7)
    balance, version, held = Placeholder(), Placeholder(), Placeholder()
    query = ComposedQuery(
        Account.objects.filter(version=version, held=held, balance=balance, owner=alice),
        [balance, version, held],
    )

    assert query(7, 1, 0) == [account]
    assert query(1, 7, 0) == query(0, 0, 0) == query(1, 1, 1) == query(7, 7, 7) == []


def test_a_value_equal_to_a_constant_of_the_query_does_not_replace_the_constant(
    alice, funded_account
):
    account = funded_account(alice, balance=7)
    version = Placeholder()
    query = ComposedQuery(
        Account.objects.filter(owner=alice, balance=7, held=0, version=version), [version]
    )

    assert [query(value) for value in (7, 1, 0, 1)] == [[], [account], [], [account]]


def test_two_placeholders_in_one_list_have_separate_values(alice, funded_account):
    accounts = [funded_account(alice) for _ in range(3)]
    first, second = Placeholder(), Placeholder()
    query = ComposedQuery(
        Account.objects.filter(pk__in=[first, second]).order_by("pk"), [first, second]
    )

    assert query(accounts[0].pk, accounts[2].pk) == [accounts[0], accounts[2]]
    assert query(accounts[1].pk, accounts[1].pk) == [accounts[1]]


def test_a_value_replaces_every_occurrence_of_its_placeholder(alice, funded_account):
    account = funded_account(alice, balance=1)
    funded_account(alice, balance=2)
    number = Placeholder()
    query = ComposedQuery(Account.objects.filter(balance=number, version=number), [number])

    assert (query(1), query(2)) == ([account], [])


def test_a_placeholder_in_a_subquery_is_replaced(alice, bob, funded_account):
    account = funded_account(alice)
    funded_account(bob)
    name = Placeholder()
    named = User.objects.filter(username=name).values("pk")
    query = ComposedQuery(Account.objects.filter(owner__in=named), [name])

    assert (query("alice"), query("nobody")) == ([account], [])


def test_a_placeholder_that_the_query_does_not_use_is_refused():
    used = Placeholder()
    with pytest.raises(ValueError, match="doesn't use this placeholder"):
        ComposedQuery(Account.objects.filter(pk=used), [used, Placeholder()])


def test_a_call_without_a_value_for_each_placeholder_is_refused():
    with pytest.raises(ValueError, match="argument"):
        by_id()()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_composed_query_locks_the_same_accounts_as_a_queryset(alice, funded_account, count):
    accounts = [funded_account(alice, balance=5) for _ in range(count)]
    ids = [account.pk for account in accounts]

    with transaction.atomic():
        composed = Account.objects.locked(*reversed(ids))
        otherwise = Account.objects.visible_to(alice).locked(*ids)

    assert list(composed) == list(otherwise) == sorted(ids)
    assert [columns(row) for row in composed.values()] == [
        columns(row) for row in otherwise.values()
    ]


def test_a_filtered_queryset_locks_only_its_own_accounts(alice, bob, funded_account):
    own, other = funded_account(alice), funded_account(bob)

    with transaction.atomic():
        locked = Account.objects.filter(owner=alice).locked(own.pk, other.pk)

    assert list(locked) == [own.pk]


@pytest.mark.django_db(transaction=True)
def test_locking_an_account_outside_a_transaction_raises(alice, funded_account):
    account = funded_account(alice)

    for _ in range(2):
        with pytest.raises(TransactionManagementError):
            Account.objects.locked(account.pk)
