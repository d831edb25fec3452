"""The number of events of each day, without counting them."""

from datetime import timedelta

import pytest

from events.admin.activity import events_per_day, first_numbers
from events.models import Event
from transfers import clock, services

pytestmark = pytest.mark.django_db

# Deposits on each of the last ten days, the last of which is today.
COUNTS = [3, 0, 1, 5, 0, 0, 2, 1, 0, 4]


@pytest.fixture
def noon():
    return clock.now().replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def deposit(alice, make_user, funded_account, noon):
    """Return a function that makes deposits some days ago, into an account opened before."""
    account = funded_account(alice, created_at=noon - timedelta(days=20))
    teller = make_user("transfers.move_cash")

    def deposit(count, days_ago):
        with clock.at(noon - timedelta(days=days_ago)):
            for _ in range(count):
                services.deposit(account_id=account.pk, amount=1, actor=teller)

    return deposit


def test_each_day_has_the_number_of_its_events(deposit, noon):
    for days_ago, count in zip(range(9, -1, -1), COUNTS, strict=True):
        deposit(count, days_ago)

    days = events_per_day(noon, 12)

    first = noon - timedelta(days=11)
    dates = [f"{first + timedelta(days=place):%Y-%m-%d}" for place in range(12)]
    assert days == list(zip(dates, [0, 0, *COUNTS], strict=True))


def test_events_before_the_first_day_are_not_counted(deposit, noon):
    for days_ago, count in ((9, 7), (2, 1), (0, 2)):
        deposit(count, days_ago)

    assert [count for _, count in events_per_day(noon, 3)] == [1, 0, 2]


def test_a_day_is_found_in_a_log_of_any_length(deposit, noon):
    midnight = noon.replace(hour=0)
    for length in range(8):
        numbers = [*Event.objects.order_by("pk").values_list("pk", flat=True)]
        before = sum(event.created_at < midnight for event in Event.objects.all())
        [first, end] = first_numbers([midnight, midnight + timedelta(days=1)])
        assert [number for number in numbers if first <= number < end] == numbers[before:]
        deposit(1, days_ago=1 if length < 4 else 0)


def test_an_empty_log_has_no_events(db, noon):
    assert [count for _, count in events_per_day(noon, 3)] == [0, 0, 0]
