"""Which events are delivered to a webhook, and that none is left out or repeated."""

import uuid

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import services as accounts
from conftest import allow
from events.models import Event
from events.order import START, end_of_log
from events.webhooks import fanout, services
from events.webhooks.models import Delivery, Endpoint
from transfers import services as transfers
from transfers.tests.orders import hold_order, transfer_order

pytestmark = pytest.mark.django_db


def types_of(endpoint) -> list[str]:
    made = endpoint.deliveries.order_by("pk")
    return list(made.values_list("event__type", flat=True))


def test_everything_that_happens_after_the_registration_is_delivered_in_order(
    alice, staff, funded_account, make_webhook, fan_out
):
    account = funded_account(alice, balance=100)
    endpoint = make_webhook()
    hold = hold_order(account, funded_account(alice), 5, actor=alice)
    transfers.capture(hold_id=hold.pk, actor=alice)
    accounts.freeze(account_id=account.pk, actor=staff)

    assert fan_out() == 5
    assert types_of(endpoint) == [
        *("account.opened", "hold.created", "transfer.posted", "hold.captured", "account.frozen"),
    ]
    assert fan_out() == 0


def test_a_webhook_gets_only_what_its_owner_may_see(
    alice, bob, staff, funded_account, make_webhook, fan_out
):
    of_alice, of_bob, of_staff = [make_webhook(owner=owner) for owner in (alice, bob, staff)]
    source, dest = funded_account(alice, balance=10), funded_account(bob)
    transfer_order(source, dest, 3, actor=alice)
    funded_account(staff)

    fan_out()

    assert types_of(of_alice) == ["account.opened", "transfer.posted", "transfer.posted"]
    assert types_of(of_bob) == ["account.opened", "transfer.posted"]
    assert len(types_of(of_staff)) == 5


def test_types_and_accounts_limit_what_is_delivered(alice, funded_account, make_webhook, fan_out):
    one, other = funded_account(alice, balance=10), funded_account(alice, balance=10)
    by_type = make_webhook(events=["hold.created"])
    by_account = make_webhook(account_ids=[str(other.pk)])
    transfers.withdraw(account_id=one.pk, amount=1, actor=alice)
    transfer_order(one, other, 1, actor=alice)
    hold_order(one, other, 1, actor=alice)

    fan_out()

    assert types_of(by_type) == ["hold.created"]
    assert types_of(by_account) == ["transfer.posted", "hold.created"]
    # The rest of the log isn't read again, although it has nothing for this webhook.
    by_type.refresh_from_db()
    assert by_type.position == end_of_log(connection)


def test_accounts_that_the_owner_may_not_see_any_more_are_left_out(
    bob, alice, funded_account, make_webhook, fan_out
):
    account = funded_account(alice, balance=10)
    endpoint = make_webhook(owner=allow(bob, "accounts.read_any"), account_ids=[str(account.pk)])
    bob.user_permissions.clear()
    transfers.withdraw(account_id=account.pk, amount=1, actor=alice)

    fan_out()

    assert types_of(endpoint) == []


def test_a_deactivated_user_gets_nothing(alice, funded_account, make_webhook, fan_out):
    endpoint = make_webhook()
    funded_account(alice)
    alice.is_active = False
    alice.save()

    assert fan_out() == 0
    assert types_of(endpoint) == []


def test_a_disabled_webhook_catches_up_when_it_is_enabled(
    alice, funded_account, make_webhook, fan_out
):
    endpoint = make_webhook()
    endpoint.status, endpoint.disabled_reason = "DISABLED", "It was gone."
    endpoint.save()
    funded_account(alice)
    while_disabled = fan_out()

    services.enable(webhook_id=endpoint.pk, actor=alice)

    assert (while_disabled, fan_out()) == (0, 1)


def test_a_replay_delivers_the_same_events_again(alice, funded_account, make_webhook, fan_out):
    endpoint = make_webhook()
    funded_account(alice, balance=10)
    fan_out()

    services.replay(webhook_id=endpoint.pk, actor=alice, after=START)
    fan_out()

    events = list(endpoint.deliveries.order_by("pk").values_list("event_id", flat=True))
    assert events == 2 * list(Event.objects.in_order().values_list("pk", flat=True))


def test_batches_neither_skip_nor_repeat(monkeypatch, alice, funded_account, make_webhook, fan_out):
    monkeypatch.setattr(fanout, "BATCH", 2)
    endpoint = make_webhook()
    for _ in range(5):
        funded_account(alice)

    assert fan_out() == 5
    numbers = list(endpoint.deliveries.order_by("pk").values_list("event_id", flat=True))
    assert numbers == sorted(set(numbers))


def test_a_long_log_is_read_in_batches_so_that_no_other_webhook_waits(
    monkeypatch, alice, funded_account, make_webhook, publish
):
    monkeypatch.setattr(fanout, "BATCH", 2)
    rare, common = make_webhook(events=["hold.created"]), make_webhook()
    for _ in range(5):
        funded_account(alice)
    publish()

    rounds = [fanout.fan_out() for _ in range(4)]

    assert rounds == [(2, True), (2, True), (1, False), (0, False)]
    assert (len(types_of(rare)), len(types_of(common))) == (0, 5)


def test_a_webhook_whose_deliveries_wait_gets_more_only_when_some_have_ended(
    monkeypatch, alice, funded_account, make_webhook, fan_out
):
    monkeypatch.setattr(fanout, "MOST_PENDING", 3)
    endpoint = make_webhook()
    for _ in range(5):
        funded_account(alice)

    first = fan_out()
    none = fan_out()
    Delivery.objects.filter(
        pk__in=list(endpoint.deliveries.values_list("pk", flat=True)[:2])
    ).update(status="DELIVERED", due_at=None)

    assert (first, none, fan_out()) == (3, 0, 2)


def test_an_error_between_the_deliveries_and_the_place_in_the_log_repeats_nothing(
    monkeypatch, alice, funded_account, make_webhook, fan_out
):
    endpoint = make_webhook()
    funded_account(alice)

    def fail(*_args):
        raise RuntimeError("It broke.")

    with monkeypatch.context() as patch:
        patch.setattr(fanout, "_make", fail)
        with pytest.raises(RuntimeError):
            fan_out()

    assert (fan_out(), len(types_of(endpoint))) == (1, 1)


def test_an_idle_log_costs_two_statements(make_webhook, django_assert_num_queries, fan_out):
    make_webhook()
    fan_out()

    with django_assert_num_queries(2, connection=connection):
        fanout.fan_out()


@pytest.fixture
def make_many(make_webhook):
    """Return a function that makes webhooks of as many new users, with or without a permission."""

    def make(count: int, *permissions: str):
        users = [User.objects.create_user(f"user {uuid.uuid4()}") for _ in range(count)]
        return [make_webhook(owner=allow(user, *permissions)) for user in users]

    return make


def places_of(endpoints) -> set:
    found = Endpoint.objects.filter(pk__in=[each.pk for each in endpoints])
    return {each.position for each in found}


def test_webhooks_that_no_event_concerns_cost_nothing_each(
    alice, bob, funded_account, make_many, make_webhook, publish
):
    of_bob = make_webhook(owner=bob)

    def statements_of_a_round() -> int:
        funded_account(alice, balance=10)
        publish()
        with CaptureQueriesContext(connection) as captured:
            assert fanout.fan_out() == (0, False)
        return len(captured)

    make_many(3)
    of_few = statements_of_a_round()
    idle = [of_bob, *make_many(20)]
    of_many = statements_of_a_round()

    assert of_many == of_few
    assert places_of(idle) == {end_of_log(connection)}


def test_webhooks_among_many_idle_ones_get_their_events(
    alice, bob, staff, funded_account, make_many, make_webhook, fan_out
):
    idle, readers = make_many(5), make_many(2, "accounts.read_any")
    of_alice, of_bob, of_staff = [make_webhook(owner=owner) for owner in (alice, bob, staff)]
    source, dest = funded_account(alice, balance=10), funded_account(bob)
    fan_out()
    transfer_order(source, dest, 3, actor=alice)

    assert fan_out() == 5
    assert [types_of(each) for each in idle] == [[]] * 5
    assert places_of(idle) == {end_of_log(connection)}
    all_types = ["account.opened", "transfer.posted", "account.opened", "transfer.posted"]
    assert [types_of(each) for each in (*readers, of_staff)] == [all_types] * 3
    assert types_of(of_alice) == ["account.opened", "transfer.posted", "transfer.posted"]
    assert types_of(of_bob) == ["account.opened", "transfer.posted"]


def test_idle_webhooks_pass_over_a_long_log_in_batches(
    monkeypatch, alice, funded_account, make_many, publish
):
    monkeypatch.setattr(fanout, "BATCH", 2)
    idle = make_many(4)
    for _ in range(5):
        funded_account(alice)
    publish()

    rounds = [fanout.fan_out() for _ in range(4)]

    assert rounds == [(0, True), (0, True), (0, False), (0, False)]
    assert places_of(idle) == {end_of_log(connection)}


def test_a_webhook_that_is_behind_the_others_is_not_passed_over(
    alice, bob, funded_account, make_many, make_webhook, fan_out
):
    make_many(4)
    of_bob = make_webhook(owner=bob)
    funded_account(bob)
    fan_out()
    services.replay(webhook_id=of_bob.pk, actor=bob, after=START)
    funded_account(alice)

    assert fan_out() == 1
    assert types_of(of_bob) == ["account.opened"] * 2


def test_a_webhook_that_was_set_back_in_the_meantime_is_not_moved(
    monkeypatch, alice, bob, funded_account, make_many, make_webhook, fan_out, publish
):
    make_many(4)
    of_bob = make_webhook(owner=bob)
    funded_account(bob)
    fan_out()
    funded_account(alice)
    publish()
    move_on = fanout._move_on

    def set_back_first(*arguments):
        services.replay(webhook_id=of_bob.pk, actor=bob, after=START)
        move_on(*arguments)

    monkeypatch.setattr(fanout, "_move_on", set_back_first)
    fanout.fan_out()
    monkeypatch.setattr(fanout, "_move_on", move_on)

    assert fan_out() == 1
    assert types_of(of_bob) == ["account.opened"] * 2
