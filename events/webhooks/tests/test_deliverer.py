"""Events arrive at receivers, whatever these do and whoever dies."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.conf import settings as django_settings
from django.db import connection

from events.models import Event
from events.webhooks import attempts, sending, services
from events.webhooks import deliverer as deliverer_module
from events.webhooks.deliverer import Deliverer
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.sending import Sender
from events.webhooks.tests.receivers import answering, hanging, receiver
from ledger_project.tests.live import database_url
from transfers import services as transfers
from transfers.models import Transfer
from transfers.tests.orders import expired_hold

pytestmark = pytest.mark.django_db(transaction=True)

# In seconds. Nothing waits this long unless it fails.
PATIENCE = 60


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "It didn't happen in a minute."
        time.sleep(0.02)


@contextmanager
def delivering(number: int = 1) -> Iterator[None]:
    """Run deliverers, and stop them at the end."""
    running: list[tuple[asyncio.AbstractEventLoop, Deliverer]] = []

    async def run() -> None:
        deliverer = Deliverer(Sender())
        running.append((asyncio.get_running_loop(), deliverer))
        await deliverer.run()

    threads = [threading.Thread(target=lambda: asyncio.run(run())) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(running) == number)
        yield
    finally:
        for loop, deliverer in running:
            loop.call_soon_threadsafe(deliverer.stop)
        for thread in threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)


def statuses(endpoint: Endpoint) -> Counter[str]:
    return Counter(endpoint.deliveries.values_list("status", flat=True))


def ids_at(server) -> list[str]:
    """Return the ids of the messages that a receiver got."""
    heads = [head.split("\r\n") for head, _ in server.requests]
    return [line.partition(": ")[2] for head in heads for line in head if "webhook-id" in line]


def test_every_event_arrives_once(alice, funded_account, make_webhook):
    with receiver(answering(200)) as server:
        endpoint = make_webhook(server.url)
        account = funded_account(alice, balance=100)
        for _ in range(20):
            transfers.withdraw(account_id=account.pk, amount=1, actor=alice)
        with delivering():
            wait_until(lambda: statuses(endpoint) == {"DELIVERED": 22})

    assert sorted(ids_at(server)) == sorted(map(str, Event.objects.values_list("uuid", flat=True)))


def test_the_next_attempts_begin_as_soon_as_others_have_ended(
    monkeypatch, alice, funded_account, make_webhook
):
    monkeypatch.setattr(deliverer_module, "IDLE_SECONDS", 2 * PATIENCE)
    with receiver(answering(200)) as server:
        endpoint = make_webhook(server.url)
        for _ in range(3 * deliverer_module.AT_ONCE):
            funded_account(alice)
        with delivering():
            wait_until(lambda: statuses(endpoint) == {"DELIVERED": 3 * deliverer_module.AT_ONCE})


def test_several_deliverers_send_every_event_once(alice, funded_account, make_webhook):
    with receiver(answering(200)) as server:
        endpoints = [make_webhook(server.url) for _ in range(3)]
        account = funded_account(alice, balance=100)
        for _ in range(10):
            transfers.withdraw(account_id=account.pk, amount=1, actor=alice)
        with delivering(3):
            wait_until(lambda: all(statuses(each) == {"DELIVERED": 12} for each in endpoints))

    events = map(str, Event.objects.values_list("uuid", flat=True))
    assert Counter(ids_at(server)) == dict.fromkeys(events, 3)


def test_a_user_whose_receivers_hang_leaves_requests_for_others(
    monkeypatch, alice, bob, funded_account, make_webhook
):
    monkeypatch.setattr(sending, "SECONDS", PATIENCE)
    monkeypatch.setattr(deliverer_module, "MOST_AT_ONCE", 8)
    with receiver(hanging) as slow, receiver(answering(200)) as quick:
        stuck = [make_webhook(slow.url) for _ in range(5)]
        for _ in range(3):
            funded_account(alice)
        with delivering():
            wait_until(lambda: len(slow.requests) == 4)
            fine = make_webhook(quick.url, owner=bob)
            funded_account(bob)
            wait_until(lambda: statuses(fine) == {"DELIVERED": 1})

            assert [statuses(each) for each in stuck] == [{"PENDING": 3}] * 5
            assert len(slow.requests) == 4
            # So that the deliverer can stop.
            monkeypatch.setattr(sending, "SECONDS", 0)
            slow.end()


def test_a_receiver_that_hangs_delays_no_other(monkeypatch, alice, funded_account, make_webhook):
    monkeypatch.setattr(sending, "SECONDS", PATIENCE)
    with receiver(hanging) as slow, receiver(answering(200)) as quick:
        stuck, fine = make_webhook(slow.url), make_webhook(quick.url)
        for _ in range(20):
            funded_account(alice)
        with delivering():
            wait_until(lambda: statuses(fine) == {"DELIVERED": 20})
            pending = statuses(stuck)
            in_progress = stuck.deliveries.filter(claimed_until__isnull=False).count()
            # So that the deliverer can stop.
            monkeypatch.setattr(sending, "SECONDS", 0)
            slow.end()

    assert pending == {"PENDING": 20}
    assert in_progress == deliverer_module.AT_ONCE


def test_a_receiver_that_fails_gets_the_event_again(alice, funded_account, make_webhook):
    with receiver(answering(500)) as server:
        endpoint = make_webhook(server.url)
        funded_account(alice)
        with delivering():
            wait_until(lambda: endpoint.deliveries.filter(attempts=1).exists())
            Delivery.objects.update(due_at=Delivery.objects.get().created_at)
            wait_until(lambda: endpoint.deliveries.filter(attempts=2).exists())

    assert len(set(ids_at(server))) == 1
    assert Delivery.objects.get().response_status == 500


def test_expired_holds_are_released_and_reported(alice, funded_account, make_webhook):
    with receiver(answering(200)) as server:
        source, dest = funded_account(alice, balance=10), funded_account(alice)
        endpoint = make_webhook(server.url, events=["hold.expired"])
        hold = expired_hold(source, dest, 5, actor=alice)
        with delivering():
            wait_until(lambda: statuses(endpoint) == {"DELIVERED": 1})

    assert Transfer.objects.get(hold=hold).created_by is None


def test_an_error_of_the_database_is_survived(monkeypatch, alice, funded_account, make_webhook):
    monkeypatch.setattr(deliverer_module, "ERROR_SECONDS", 0.01)
    fan_out, calls = deliverer_module.fan_out, []

    def fail_at_first() -> tuple[int, bool]:
        calls.append(None)
        if len(calls) < 3:
            raise connection.Database.OperationalError("It is gone.")
        return fan_out()

    monkeypatch.setattr(deliverer_module, "fan_out", fail_at_first)
    with receiver(answering(200)) as server:
        endpoint = make_webhook(server.url)
        funded_account(alice)
        with delivering():
            wait_until(lambda: statuses(endpoint) == {"DELIVERED": 1})


def test_a_webhook_that_cannot_be_sent_to_says_why(settings, alice, make_webhook):
    endpoint = make_webhook()
    services.test(webhook_id=endpoint.pk, actor=alice)
    settings.WEBHOOK_ALLOWED_HOSTS = []

    with delivering():
        wait_until(lambda: endpoint.deliveries.filter(attempts=1).exists())

    assert endpoint.deliveries.get().error == "Must begin with https://."


def test_a_delivery_whose_claim_could_end_meanwhile_is_left_to_others(alice, make_webhook):
    with receiver(answering(200)) as server:
        endpoint = make_webhook(server.url)
        services.test(webhook_id=endpoint.pk, actor=alice)
        [claimed] = attempts.claim(endpoint.pk, 1)
        late = replace(claimed, send_until=time.monotonic() - 1)

        async def attempt() -> None:
            await Deliverer(Sender())._attempt(late)

        asyncio.run(attempt())
        assert server.requests == []

    delivery = endpoint.deliveries.get()
    assert (delivery.status, delivery.attempts) == ("PENDING", 0)
    assert claimed.send_until <= time.monotonic() + attempts.CLAIM.total_seconds() - sending.SECONDS


@contextmanager
def process() -> Iterator[subprocess.Popen]:
    """Run ``manage.py deliver_webhooks`` on the database of this test."""
    started = subprocess.Popen(
        [sys.executable, "manage.py", "deliver_webhooks"],
        cwd=django_settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ledger_project.settings",
            "LEDGER_DATABASE_URL": database_url(),
            "LEDGER_SECRET_KEY": django_settings.SECRET_KEY,
            "LEDGER_JWT_SIGNING_KEY": django_settings.JWT_SIGNING_KEY,
            "LEDGER_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
        },
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_process_after_the_attempt_in_progress(alice, make_webhook, number):
    may_answer = threading.Event()

    def answer_late(received, ended) -> None:
        may_answer.wait(PATIENCE)
        answering(200)(received, ended)

    with receiver(answer_late) as server:
        endpoint = make_webhook(server.url)
        services.test(webhook_id=endpoint.pk, actor=alice)
        with process() as running:
            wait_until(lambda: len(server.requests) == 1)
            running.send_signal(number)
            may_answer.set()
            status = running.wait(PATIENCE)

    assert status == 0
    assert statuses(endpoint) == {"DELIVERED": 1}


def test_processes_that_are_killed_lose_no_event(alice, funded_account, make_webhook):
    def wait_and_answer(received, ended) -> None:
        time.sleep(0.05)
        answering(200)(received, ended)

    with receiver(wait_and_answer) as server:
        endpoint = make_webhook(server.url)
        account = funded_account(alice, balance=100)
        for each in range(1, 4):
            for _ in range(10):
                transfers.withdraw(account_id=account.pk, amount=1, actor=alice)
            with process() as running:
                wait_until(lambda least=each: len(server.requests) > 5 * least)
                running.kill()
        # Instead of a minute, after which the claims of the killed processes end.
        Delivery.objects.filter(status="PENDING").update(claimed_until=None)
        with delivering():
            wait_until(lambda: statuses(endpoint) == {"DELIVERED": 32})

    events = {str(uuid) for uuid in Event.objects.values_list("uuid", flat=True)}
    assert set(ids_at(server)) == events
