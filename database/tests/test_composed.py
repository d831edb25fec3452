"""A composed query finds what the queryset finds that it was made of, with other values."""

from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError

from accounts.models import Account
from database.composed import ComposedQuery

pytestmark = pytest.mark.django_db

SAMPLE = UUID(int=0)


def columns(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_it_returns_the_rows_of_the_queryset_column_by_column(alice, funded_account):
    account = funded_account(alice, balance=7, metadata={"colour": "blue"})
    query = ComposedQuery(Account.objects.filter(pk=SAMPLE), [SAMPLE])

    [found] = query(account.pk)

    assert columns(found) == columns(Account.objects.get(pk=account.pk))
    assert (found._state.adding, found._state.db) == (False, "default")


def test_each_value_takes_the_place_of_its_sample(alice, bob, funded_account):
    accounts = [funded_account(owner, currency="EUR") for owner in (alice, bob)]
    samples = [-1, SAMPLE]
    query = ComposedQuery(
        Account.objects.filter(currency="EUR", pk=SAMPLE, owner_id=-1).order_by("-pk"), samples
    )

    assert [query(owner.pk, account.pk) for owner in (alice, bob) for account in accounts] == [
        [accounts[0]],
        [],
        [],
        [accounts[1]],
    ]


def test_named_values_come_back_by_their_names(alice, funded_account):
    account = funded_account(alice, balance=7)
    named = Account.objects.annotate(whose=F("owner__username"))
    named = named.values_list("whose", "balance", "created_at", named=True)
    query = ComposedQuery(named.filter(pk=SAMPLE), [SAMPLE])

    [found] = query(account.pk)

    assert found == tuple(named.get(pk=account.pk))
    assert (found.whose, found.balance, found.created_at) == ("alice", 7, account.created_at)


def test_truth_is_read_as_truth(alice, staff):
    query = ComposedQuery(User.objects.filter(pk=-1, is_active=True), [-1])

    assert [query(user.pk)[0].is_staff for user in (alice, staff)] == [False, True]


def test_a_sample_that_the_query_does_not_ask_for_is_a_mistake():
    with pytest.raises(ValueError, match="is not in list"):
        ComposedQuery(Account.objects.filter(pk=SAMPLE), [SAMPLE, -1])


def test_it_wants_a_value_for_each_sample():
    with pytest.raises(ValueError, match="argument"):
        ComposedQuery(Account.objects.filter(pk=SAMPLE), [SAMPLE])()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_accounts_are_locked_alike_whether_by_a_composed_query_or_not(alice, funded_account, count):
    accounts = [funded_account(alice, balance=5) for _ in range(count)]
    ids = [account.pk for account in accounts]

    with transaction.atomic():
        composed = Account.objects.locked(*reversed(ids))
        otherwise = Account.objects.visible_to(alice).locked(*ids)

    assert list(composed) == list(otherwise) == sorted(ids)
    assert [columns(row) for row in composed.values()] == [
        columns(row) for row in otherwise.values()
    ]


@pytest.mark.django_db(transaction=True)
def test_no_account_is_locked_outside_a_transaction(alice, funded_account):
    account = funded_account(alice)

    for _ in range(2):
        with pytest.raises(TransactionManagementError):
            Account.objects.locked(account.pk)
