"""The body of an event shows a transfer or an account as it was when the event happened."""

import pytest

from accounts import services as account_services
from events.bodies import body_of
from events.models import Event
from transfers import services
from transfers.tests.orders import hold_order, transfer_order

pytestmark = pytest.mark.django_db


def bodies(**which):
    return [body_of(event) for event in Event.objects.filter(**which).with_data().in_order()]


def test_a_posted_transfer_is_as_it_was_posted(api, alice, bob, source, dest):
    paid = transfer_order(source, dest, 10, actor=alice, memo="rent")
    answer = api.get(f"/transfers/{paid.pk}").json()
    services.reverse(transfer_id=paid.pk, actor=bob)

    event = Event.objects.get(transfer=paid)
    assert bodies(transfer=paid) == [
        {
            "id": str(event.uuid),
            "type": "transfer.posted",
            "created_at": answer["created_at"],
            "data": answer,
        }
    ]


def test_a_hold_is_pending_even_after_it_was_captured(api, alice, bob, source, dest):
    held = hold_order(source, dest, 10, actor=alice)
    answer = api.get(f"/transfers/{held.pk}").json()
    capture = services.capture(hold_id=held.pk, actor=bob)
    captured = api.get(f"/transfers/{capture.pk}").json()

    assert answer["status"] == "PENDING"
    assert [each["data"] for each in bodies(transfer=held)] == [answer]
    assert [(each["type"], each["data"]) for each in bodies(transfer=capture)] == [
        ("transfer.posted", captured),
        ("hold.captured", captured),
    ]


def test_an_account_is_as_it_was_at_each_change(api, alice, staff, source, dest):
    def account():
        return api.get(f"/accounts/{source.pk}").json()

    def pay():
        transfer_order(source, dest, 1, actor=alice)

    who = {"account_id": source.pk, "actor": staff}
    wanted = []
    for before, change in (
        (pay, lambda: account_services.describe(**who, owner_name="Änne", metadata={"a": "ü"})),
        (pay, lambda: account_services.freeze(**who)),
        (account, lambda: account_services.unfreeze(**who)),
        (pay, lambda: account_services.set_overdraft_limit(**who, limit=2**53 - 1)),
    ):
        before()
        change()
        wanted.append(account())
    pay()

    found = bodies(account=source, transfer=None)[1:]
    assert [each["data"] for each in found] == wanted


def test_a_new_account_has_no_money(api, source):
    answer = api.get(f"/accounts/{source.pk}").json()

    [opened] = bodies(account=source, type="account.opened")

    assert answer["balance"] == 10_00
    assert opened["data"] == {**answer, "balance": 0, "available": 0, "version": 0}
    assert opened["created_at"] == answer["created_at"]


def test_reading_bodies_takes_one_query(alice, source, dest, django_assert_num_queries):
    for _ in range(3):
        transfer_order(source, dest, 1, actor=alice)

    with django_assert_num_queries(1):
        assert len(bodies()) > 3
