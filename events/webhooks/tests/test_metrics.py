"""The metrics of webhooks show that events wait, whether a deliverer runs or not."""

import socket

import pytest
from django.core.management import CommandError, call_command
from prometheus_client import CollectorRegistry

from events.models import Event
from events.webhooks import attempts, services
from events.webhooks.metrics import WebhookCollector
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.sending import Outcome

pytestmark = pytest.mark.django_db


def waited() -> float | None:
    """Return how long the oldest event has waited, in seconds."""
    registry = CollectorRegistry()
    registry.register(WebhookCollector())
    return registry.get_sample_value("ledger_webhook_oldest_waiting_seconds")


def test_nothing_waits_in_an_empty_log():
    assert waited() == 0


def test_an_event_waits_until_it_is_delivered(
    clock, alice, funded_account, make_webhook, fan_out, publish
):
    endpoint = make_webhook()
    funded_account(alice)
    opened_at = Event.objects.get().created_at
    clock.now = max(clock.now, opened_at)

    def age() -> float:
        return (clock.now - opened_at).total_seconds()

    clock.go_on(minutes=5)
    publish()
    without_a_deliverer = (waited(), age())
    fan_out()
    made_at = Delivery.objects.get().created_at
    clock.go_on(minutes=5)
    with_a_delivery = waited(), (clock.now - made_at).total_seconds()
    [attempt] = attempts.claim(endpoint.pk, 8)
    attempts.record(attempt, Outcome(500, 1))
    after_a_failure = waited()
    clock.go_on(minutes=1)
    [attempt] = attempts.claim(endpoint.pk, 8)
    attempts.record(attempt, Outcome(200, 1))

    assert without_a_deliverer[0] == without_a_deliverer[1]
    assert with_a_delivery[0] == with_a_delivery[1] == after_a_failure
    assert waited() == 0


def test_what_waits_for_a_disabled_webhook_or_an_inactive_owner_is_not_counted(
    clock, alice, bob, funded_account, make_webhook, fan_out
):
    make_webhook()
    funded_account(bob)
    make_webhook(owner=bob)
    funded_account(alice)
    fan_out()
    clock.go_on(minutes=5)
    assert waited() > 0

    Endpoint.objects.filter(owner=bob).update(status="DISABLED", disabled_reason="Gone")
    alice.is_active = False
    alice.save()

    assert waited() == 0


def test_a_test_of_a_webhook_waits_like_an_event(clock, alice, make_webhook):
    endpoint = make_webhook()
    services.test(webhook_id=endpoint.pk, actor=alice)

    clock.go_on(minutes=2)

    assert waited() == 120


def test_a_port_for_metrics_that_is_in_use_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(CommandError) as refused:
            call_command("deliver_webhooks", metrics_port=port)

    assert str(refused.value) == f"Can't listen on 127.0.0.1:{port}: Address already in use"


def test_a_scrape_has_the_metric_of_webhooks(client):
    text = client.get("/metrics").text

    assert "ledger_webhook_oldest_waiting_seconds 0.0" in text
