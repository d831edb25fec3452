"""Claims of deliveries, and what the outcome of an attempt leads to."""

import json
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from conftest import allow
from events.models import Event
from events.webhooks import attempts, services
from events.webhooks.attempts import CLAIM, claim, due_endpoints, record
from events.webhooks.models import Delivery
from events.webhooks.secrets import decrypted
from events.webhooks.sending import Outcome

pytestmark = pytest.mark.django_db

OK = Outcome(200, 12, excerpt="thanks")
BROKEN = Outcome(500, 34, excerpt="oops")
SILENT = Outcome(None, 10_000, error="There was no response within 10 seconds.")
GONE = Outcome(410, 5)


@pytest.fixture
def endpoint(make_webhook):
    return make_webhook()


@pytest.fixture
def delivery(endpoint, clock):
    """A delivery that is due."""
    return services.test(webhook_id=endpoint.pk, actor=endpoint.owner)


def attempt(endpoint, outcome: Outcome) -> None:
    [claimed] = claim(endpoint.pk, 1)
    record(claimed, outcome)
    endpoint.refresh_from_db()


def test_a_message_is_the_body_of_the_event_signed_with_the_secret(
    alice, endpoint, funded_account, fan_out
):
    funded_account(alice)
    fan_out()

    [claimed] = claim(endpoint.pk, 9)

    event = Event.objects.get()
    message = Webhook(decrypted(endpoint.secret)).verify(claimed.body, dict(claimed.headers))
    assert claimed.headers["webhook-id"] == message["id"] == str(event.uuid)
    assert (message["type"], message["data"]["balance"]) == ("account.opened", 0)


def test_a_test_is_signed_too(endpoint, delivery):
    [claimed] = claim(endpoint.pk, 9)

    message = json.loads(claimed.body)
    assert claimed.headers["webhook-id"] == message["id"] == str(delivery.pk)
    assert (message["type"], message["data"]) == ("webhook.test", {"webhook_id": str(endpoint.pk)})


def test_both_secrets_sign_after_a_rotation(endpoint, delivery):
    before = decrypted(endpoint.secret)
    _, after = services.rotate_secret(webhook_id=endpoint.pk, actor=endpoint.owner)

    [claimed] = claim(endpoint.pk, 1)

    assert claimed.headers["webhook-signature"].count("v1,") == 2
    # The library compares the time of the message with that of this machine.
    for secret in (before, after):
        assert Webhook(secret).verify(claimed.body, dict(claimed.headers))


def test_a_claimed_delivery_is_not_claimed_again_before_the_claim_ends(endpoint, delivery, clock):
    [first] = claim(endpoint.pk, 9)

    assert (due_endpoints(clock.now), claim(endpoint.pk, 9)) == ([], [])

    clock.go_on(seconds=int(CLAIM.total_seconds()))
    assert due_endpoints(clock.now) == [(endpoint.pk, endpoint.owner_id)]
    [second] = claim(endpoint.pk, 9)
    assert second.delivery_id == first.delivery_id


def test_an_outcome_after_the_end_of_the_claim_is_not_recorded(endpoint, delivery, clock):
    [late] = claim(endpoint.pk, 1)
    clock.go_on(seconds=61)
    [current] = claim(endpoint.pk, 1)

    record(late, BROKEN)
    record(current, OK)
    record(late, BROKEN)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.response_status) == ("DELIVERED", 1, 200)


def test_a_success_ends_the_delivery(endpoint, delivery, clock):
    attempt(endpoint, OK)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.due_at, delivery.claimed_until) == ("DELIVERED", None, None)
    assert (delivery.attempts, delivery.attempted_at) == (1, clock.now)
    assert (delivery.response_status, delivery.response_ms) == (200, 12)
    assert (delivery.response_body, delivery.error) == ("thanks", "")


@pytest.mark.parametrize("outcome", [BROKEN, SILENT, Outcome(302, 1), Outcome(404, 1)])
def test_a_failure_is_attempted_again_later(endpoint, delivery, clock, outcome):
    attempt(endpoint, outcome)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("PENDING", 1)
    assert timedelta(seconds=8) <= delivery.due_at - clock.now <= timedelta(seconds=12)
    assert (delivery.response_status, delivery.error) == (outcome.status, outcome.error)
    assert endpoint.failing_since == clock.now
    assert claim(endpoint.pk, 1) == []


def test_a_receiver_that_asks_for_time_gets_it(endpoint, delivery, clock):
    attempt(endpoint, Outcome(429, 1, retry_after="3600"))

    delivery.refresh_from_db()
    assert delivery.due_at == clock.now + timedelta(hours=1)


def test_a_success_ends_the_failures_of_a_webhook(endpoint, delivery, clock):
    attempt(endpoint, BROKEN)
    clock.go_on(seconds=12)
    attempt(endpoint, OK)

    assert endpoint.failing_since is None


def test_a_receiver_that_is_gone_disables_the_webhook(endpoint, delivery, clock):
    services.test(webhook_id=endpoint.pk, actor=endpoint.owner)
    clock.go_on(seconds=1)

    attempt(endpoint, GONE)

    assert endpoint.status == "DISABLED"
    assert endpoint.disabled_reason == "The receiver responded with 410 (Gone)."
    assert due_endpoints(clock.now) == []
    statuses = endpoint.deliveries.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["FAILED", "PENDING"]


def fail_for_three_days(endpoint, delivery, clock, outcome=SILENT) -> None:
    delivery.refresh_from_db()
    while delivery.due_at is not None:
        clock.go_on(microseconds=(delivery.due_at - clock.now) // timedelta(microseconds=1))
        attempt(endpoint, outcome)
        delivery.refresh_from_db()


def test_a_webhook_that_fails_for_three_days_is_disabled_and_says_why(endpoint, delivery, clock):
    began = clock.now

    fail_for_three_days(endpoint, delivery, clock)

    assert clock.now == began + timedelta(days=3)
    assert delivery.status == "FAILED"
    # The number depends on the random part of each delay.
    assert 13 <= delivery.attempts <= 17
    assert endpoint.status == "DISABLED"
    assert endpoint.disabled_reason.startswith("No delivery has succeeded since ")
    assert endpoint.disabled_reason.endswith(SILENT.error)


def test_a_webhook_that_takes_other_deliveries_stays_enabled(endpoint, delivery, clock):
    attempt(endpoint, BROKEN)
    other = services.test(webhook_id=endpoint.pk, actor=endpoint.owner)
    attempt(endpoint, OK)

    fail_for_three_days(endpoint, delivery, clock)

    other.refresh_from_db()
    assert (other.status, delivery.status, endpoint.status) == ("DELIVERED", "FAILED", "ENABLED")


def test_an_enabled_webhook_has_three_days_again(endpoint, delivery, clock):
    services.test(webhook_id=endpoint.pk, actor=endpoint.owner)
    attempt(endpoint, GONE)
    clock.go_on(days=10)
    services.enable(webhook_id=endpoint.pk, actor=endpoint.owner)

    attempt(endpoint, BROKEN)

    pending = endpoint.deliveries.get(status="PENDING")
    assert pending.due_at <= clock.now + timedelta(seconds=12)
    assert endpoint.status == "ENABLED"


def test_a_retry_by_hand_has_three_days_again(endpoint, delivery, clock):
    other = services.test(webhook_id=endpoint.pk, actor=endpoint.owner)
    Delivery.objects.filter(pk=other.pk).delete()
    attempt(endpoint, OK)
    clock.go_on(days=10)
    services.retry(webhook_id=endpoint.pk, delivery_id=delivery.pk, actor=endpoint.owner)

    attempt(endpoint, BROKEN)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("PENDING", 2)


def test_a_retry_does_not_repeat_an_attempt_in_progress(endpoint, delivery):
    [claimed] = claim(endpoint.pk, 1)

    services.retry(webhook_id=endpoint.pk, delivery_id=delivery.pk, actor=endpoint.owner)

    assert claim(endpoint.pk, 1) == []
    record(claimed, OK)
    delivery.refresh_from_db()
    assert delivery.status == "DELIVERED"


def test_a_webhook_that_was_deleted_during_an_attempt_is_forgotten(endpoint, delivery):
    [claimed] = claim(endpoint.pk, 1)
    services.delete(webhook_id=endpoint.pk, actor=endpoint.owner)

    record(claimed, OK)

    assert not Delivery.objects.exists()


def test_a_url_that_is_not_allowed_any_more_is_not_sent_to(settings, endpoint, delivery):
    settings.WEBHOOK_ALLOWED_HOSTS = []

    [claimed] = claim(endpoint.pk, 1)

    assert claimed.target is None
    assert claimed.error == "Must begin with https://."


def test_a_secret_of_another_secret_key_is_not_used(settings, endpoint, delivery):
    settings.SECRET_KEY = "another-key-of-more-than-thirty-two-bytes"

    [claimed] = claim(endpoint.pk, 1)

    assert (claimed.target, claimed.headers) == (None, {})
    assert claimed.error == (
        "LEDGER_SECRET_KEY was changed since the secret was stored. Rotate the secret."
    )


def test_one_rotation_is_enough_after_a_change_of_the_secret_key(settings, endpoint, delivery):
    settings.SECRET_KEY = "another-key-of-more-than-thirty-two-bytes"
    _, secret = services.rotate_secret(webhook_id=endpoint.pk, actor=endpoint.owner)

    [claimed] = claim(endpoint.pk, 1)

    assert claimed.headers["webhook-signature"].count("v1,") == 1
    Webhook(secret).verify(claimed.body, dict(claimed.headers))


def test_an_event_that_the_owner_may_no_longer_see_is_not_sent(
    alice, bob, make_webhook, funded_account, fan_out
):
    endpoint = make_webhook(owner=allow(bob, "accounts.read_any"))
    hers, his = funded_account(alice), funded_account(bob)
    fan_out()
    bob.user_permissions.clear()

    claimed = claim(endpoint.pk, 99)

    sent = {each.delivery_id for each in claimed}
    given_up = Delivery.objects.exclude(pk__in=sent)
    assert {each.event.account_id for each in Delivery.objects.filter(pk__in=sent)} == {his.pk}
    assert {each.event.account_id for each in given_up} == {hers.pk}
    assert set(given_up.values_list("status", "due_at", "claimed_until", "error")) == {
        ("FAILED", None, None, "The owner of the webhook may no longer see this event.")
    }


def test_at_most_as_many_are_claimed_as_asked_for_the_oldest_first(endpoint, clock):
    made = []
    for _ in range(3):
        made.append(services.test(webhook_id=endpoint.pk, actor=endpoint.owner).pk)
        clock.go_on(seconds=1)

    assert [each.delivery_id for each in claim(endpoint.pk, 2)] == made[:2]
    assert [each.delivery_id for each in claim(endpoint.pk, 2)] == made[2:]


def test_a_webhook_that_waits_longest_comes_first(make_webhook, clock):
    endpoints = [make_webhook() for _ in range(3)]
    for endpoint in reversed(endpoints):
        services.test(webhook_id=endpoint.pk, actor=endpoint.owner)
        clock.go_on(seconds=1)

    waiting = [pk for pk, _ in attempts.due_endpoints(clock.now)]
    assert waiting == [each.pk for each in reversed(endpoints)]
