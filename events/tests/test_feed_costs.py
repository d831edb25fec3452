"""A page of the feed costs the same, however many events other users have."""

import pytest
from django.db import connection

from accounts.models import Account
from events.models import Event
from events.order import START, end_of_log
from events.types import EventType
from transfers.kinds import Kind
from transfers.tests.filled import fill, open_accounts, work_of

pytestmark = pytest.mark.django_db

COUNT = 10


@pytest.fixture
def log(alice, bob, publish):
    """A log with thousands of events of others, and a few of alice's."""
    open_accounts(bob, 50)
    [mine, other] = open_accounts(alice, 2)
    fill([mine, other], 20)
    fill(list(Account.objects.filter(owner=bob)), 1_000)

    def ends():
        publish()
        return Account.objects.filter(owner=alice), end_of_log(connection)

    return ends


def cost(call):
    call()
    return work_of(call)


@pytest.mark.parametrize("type", [None, EventType.TRANSFER_POSTED, EventType.ACCOUNT_CLOSED])
def test_the_events_of_a_user_cost_the_same_among_more_of_others(log, bob, type):
    accounts, end = log()

    def read():
        return Event.objects.oldest_of_accounts(accounts, START, end, type, COUNT)

    before = cost(read)
    found = read()
    fill(list(Account.objects.filter(owner=bob)), 4_000)
    accounts, end = log()

    assert cost(read) <= 1.2 * before + 20
    assert read() == found


@pytest.mark.parametrize(
    "type", [EventType.ACCOUNT_CLOSED, EventType.ACCOUNT_OPENED, EventType.TRANSFER_POSTED]
)
def test_the_events_of_one_type_cost_the_same_among_more_of_other_types(log, bob, type):
    _, end = log()
    after = Event.objects.in_order()[600].position

    def read():
        return Event.objects.oldest_of_all(after, end, type, COUNT)

    before = cost(read)
    found = read()
    assert [each.type for each in found] == [type.value] * len(found)
    fill(list(Account.objects.filter(owner=bob)), 4_000, only=Kind.HOLD)
    _, end = log()

    assert cost(read) <= 1.2 * before + 20
    assert read() == found


def test_a_page_in_the_middle_costs_no_more_than_the_first(log):
    _, end = log()
    middle = Event.objects.in_order()[600].position

    def page(after):
        return cost(lambda: Event.objects.oldest_of_all(after, end, None, COUNT))

    assert page(middle) <= 1.2 * page(START) + 20


def test_the_end_of_the_log_is_found_without_reading_it(log):
    _, end = log()
    assert cost(lambda: end_of_log(connection)) < 300
    assert end == Event.objects.in_order().last().position
    assert cost(lambda: Event.objects.oldest_of_all(end, end, None, COUNT)) < 300
