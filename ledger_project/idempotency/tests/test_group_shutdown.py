"""SIGTERM while requests wait for their group: no acknowledged transfer is lost."""

import http.client
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.idempotency.tests.queues import LONG, until
from ledger_project.server.tests.conftest import (  # noqa: F401 -- fixtures
    bearer,
    deposit,
    start,
)
from ledger_project.server.tests.sockets import exchange, responses
from ledger_project.tests.live import LiveClient, LiveServer
from transfers.models import Transfer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order_afterwards"),
]


def test_a_stopping_worker_answers_the_requests_in_a_queue(start, gated, deposit):  # noqa: F811
    server = start()
    gate = gated()
    with ThreadPoolExecutor(5) as helpers:
        sent = [
            helpers.submit(exchange, server.port, deposit(f"k{number}"), end=False)
            for number in range(4)
        ]
        until(lambda: gate.combiner.waiting == 4)
        stopped = helpers.submit(server.stop)
        until(lambda: server.server.should_exit)
        gate.open()
        answers = [responses(each.result(timeout=LONG)) for each in sent]
        stopped.result(timeout=LONG)

    assert [status for [(status, _)] in answers] == [200] * 4
    # In the order of the queue, each sees the balance after its own deposit.
    assert sorted(document["balance"] for [(_, document)] in answers) == [1, 2, 3, 4]
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 4


def test_after_sigterm_every_acknowledged_transfer_is_there_once_and_others_can_be_retried(
    alice, bob, funded_account
):
    source, dest = funded_account(alice, 1_000_000), funded_account(bob)
    body = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk), "amount": 1}
    enough = threading.Semaphore(0)
    acknowledged: dict[str, bytes] = {}
    unknown: list[str] = []

    def pay_until_the_server_stops(thread: int) -> None:
        with LiveClient(server.port, alice) as client:
            for number in range(10_000):
                key = f"{thread}-{number}"
                try:
                    answer = client.post("/transfers", body, key=key)
                except (OSError, http.client.HTTPException):
                    unknown.append(key)
                    return
                assert answer.status in (201, 503)
                if answer.status == 503:
                    unknown.append(key)
                else:
                    acknowledged[key] = answer.content
                    enough.release()

    server = LiveServer()
    server.start()
    try:
        with ThreadPoolExecutor(16) as clients:
            ended = [clients.submit(pay_until_the_server_stops, each) for each in range(16)]
            for _ in range(100):
                assert enough.acquire(timeout=LONG)
            server.stop()
            for each in ended:
                each.result(timeout=LONG)
    finally:
        server.stop()

    stored = dict(IdempotencyKey.objects.values_list("key", "response_body"))
    assert len(acknowledged) >= 100
    assert {key: stored[key] for key in acknowledged} == {
        key: content.decode() for key, content in acknowledged.items()
    }
    # What was carried out without an acknowledgement has stored its response as well.
    assert stored.keys() - acknowledged.keys() <= set(unknown)
    assert Transfer.objects.filter(source=source).count() == len(stored)
