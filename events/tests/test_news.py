"""Looking for news: whom the events since the last look concern."""

import pytest
from django.db import connection

from events import news
from events.news import Subject, poll
from events.order import end_of_log
from events.types import EventType
from transfers.tests.orders import transfer_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def look(publish):
    """Return a function that tells whether events since its last call concern each subject."""
    publish()
    reached = [end_of_log(connection)]

    def concerns(*subjects):
        publish()
        end, does = poll(reached[0])
        reached[0] = end
        return [does(subject) for subject in subjects]

    return concerns


def test_a_transfer_concerns_both_owners_and_whoever_sees_everything(
    look, alice, bob, staff, source, dest
):
    look()
    transfer_order(source, dest, 1, actor=alice)
    users = [Subject(user and user.pk, None, None) for user in (alice, bob, staff, None)]

    assert look(*users) == [True, True, False, True]
    assert look(*users) == [False] * 4


def test_a_subject_may_be_limited_to_a_type_and_an_account(look, alice, source, dest):
    look()
    transfer_order(source, dest, 1, actor=alice)

    assert look(
        Subject(alice.pk, source.pk, EventType.TRANSFER_POSTED),
        Subject(alice.pk, source.pk, EventType.HOLD_CREATED),
        Subject(None, dest.pk, None),
        Subject(None, alice.accounts.first().pk, EventType.ACCOUNT_CLOSED),
    ) == [True, False, True, False]


def test_very_many_events_concern_everybody(look, monkeypatch, alice, staff, source, dest):
    monkeypatch.setattr(news, "MANY", 2)
    look()
    for _ in range(3):
        transfer_order(source, dest, 1, actor=alice)

    assert look(Subject(staff.pk, None, None)) == [True]


def test_looking_takes_two_queries(look, publish, alice, source, dest, django_assert_num_queries):
    look()
    since = end_of_log(connection)
    for _ in range(3):
        transfer_order(source, dest, 1, actor=alice)
    publish()

    with django_assert_num_queries(2):
        poll(since)


def test_a_point_ahead_of_the_log_is_corrected_to_its_end(look, alice):
    look()
    end = end_of_log(connection)

    reached, concerns = poll(end._replace(transaction=end.transaction + 10**6))

    assert (reached, concerns(Subject(alice.pk, None, None))) == (end, False)
