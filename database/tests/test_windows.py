"""Searching only some rows of a table."""

import pytest

from accounts.models import Account
from database.windows import has_more, keys_among

pytestmark = pytest.mark.django_db


@pytest.fixture
def accounts(alice, funded_account):
    """Return five accounts, newest first."""
    return [funded_account(alice, owner_name=f"Account {number}") for number in range(5)][::-1]


def newest(count):
    return Account.objects.customers().order_by("-pk")[:count]


def test_rows_outside_of_the_window_are_not_found(accounts):
    rows = Account.objects.filter(owner_name_folded__contains="account").order_by("pk")

    found = [keys_among(newest(count), rows) for count in (3, 10)]

    in_order = [account.pk for account in reversed(accounts)]
    assert found == [in_order[-3:], in_order]


def test_the_filters_the_order_and_the_limit_of_the_rows_apply(accounts):
    rows = Account.objects.filter(owner_name__in=["Account 1", "Account 3", "Account 4"])

    found = keys_among(newest(4), rows.order_by("owner_name")[:2])

    assert found == [accounts[3].pk, accounts[1].pk]


def test_filters_on_other_tables_and_subqueries_apply(accounts, alice):
    by_owner = Account.objects.filter(owner__username="alice", pk__in=Account.objects.values("pk"))

    assert len(keys_among(newest(2), by_owner.select_related("owner"))) == 2
    assert keys_among(newest(2), by_owner.exclude(owner=alice)) == []


def test_a_filter_that_nothing_can_match_finds_nothing(accounts):
    assert keys_among(newest(2), Account.objects.none()) == []


def test_a_window_has_more_rows_than_its_limit_or_not(accounts):
    assert [has_more(newest(count)) for count in (4, 5)] == [True, False]
