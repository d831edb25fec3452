"""The number of SQL statements of a batch on PostgreSQL. SQLite needs one for each row."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from transfers import services
from transfers.services import Order


def statements(orders, user):
    # As a request looks the user up: with no permissions cached.
    actor = User.objects.get(pk=user.pk)
    with CaptureQueriesContext(connection) as captured:
        services.post_batch(orders=orders, actor=actor)
    return len(captured)


@pytest.mark.parametrize("size", [2, 200])
def test_a_batch_takes_as_many_statements_as_one_transfer(alice, funded_account, size):
    purses = [funded_account(alice, 1_000) for _ in range(10)]
    pairs = [(purses[n % 10], purses[(n + 1) % 10]) for n in range(size)]
    orders = [Order(source_id=source.pk, dest_id=dest.pk, amount=1) for source, dest in pairs]

    of_one = statements(orders[:1], alice)
    of_all = statements(orders, alice)

    assert of_all == of_one


def test_two_hundred_accounts_are_locked_and_written_by_as_many_statements_as_two(
    alice, funded_account
):
    purse = funded_account(alice, 10_000)
    dests = [funded_account(alice) for _ in range(200)]
    orders = [Order(source_id=purse.pk, dest_id=dest.pk, amount=1) for dest in dests]

    of_one = statements(orders[:1], alice)
    of_all = statements(orders, alice)

    assert of_all == of_one
