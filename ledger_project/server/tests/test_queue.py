"""Requests that wait for a thread: how many, and for how long."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from ledger_project.server import threads
from ledger_project.server.tests.sockets import (
    PATIENCE,
    RESET,
    answers,
    connect,
    exchange,
    read_all,
    request,
    wait_until,
)

pytestmark = pytest.mark.django_db(transaction=True)

HEALTH = request("GET /healthz HTTP/1.1", "Connection: close")
OK = (200, {"status": "ok"})


def test_what_finds_no_place_to_wait_is_503_and_health_answers_all_the_same(
    start, gate, deposit, monkeypatch
):
    monkeypatch.setattr(threads, "QUEUE", 2)
    monkeypatch.setattr(threads, "QUEUE_SECONDS", PATIENCE)
    server = start(application=gate, threads=1)
    with ThreadPoolExecutor(3) as clients:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        sent = [clients.submit(exchange, server.port, deposit(f"{n}")) for n in range(2)]
        wait_until(lambda: server.front.threads.waiting == 2)
        received = exchange(server.port, deposit("one too many"))
        health = exchange(server.port, HEALTH)
        gate.open()
        done = [answers(each.result()) for each in (first, *sent)]

    [(status, problem)] = answers(received)
    assert (status, problem["code"]) == (503, "temporarily_unavailable")
    assert b"\r\nretry-after: 1\r\n" in received
    assert answers(health) == [OK]
    assert sorted(status for [(status, _)] in done) == [200, 200, 200]
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 3


def test_what_has_waited_for_too_long_is_503_and_not_done_though_no_thread_is_free(
    start, gate, deposit, monkeypatch
):
    monkeypatch.setattr(threads, "QUEUE_SECONDS", 0.5)
    server = start(application=gate, threads=1)
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        late = [answers(exchange(server.port, deposit(f"late {n}"))) for n in range(2)]
        health = answers(exchange(server.port, HEALTH))
        gate.open()
        assert [status for status, _ in answers(first.result())] == [200]

    assert [(status, problem["code"]) for [(status, problem)] in late] == [
        (503, "temporarily_unavailable")
    ] * 2
    assert health == [OK]
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 1


def test_what_was_refused_after_its_wait_takes_no_place_any_more(start, gate, deposit, monkeypatch):
    monkeypatch.setattr(threads, "QUEUE", 1)
    monkeypatch.setattr(threads, "QUEUE_SECONDS", 0.5)
    server = start(application=gate, threads=1)
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        exchange(server.port, deposit("late"))
        monkeypatch.setattr(threads, "QUEUE_SECONDS", PATIENCE)
        with closing(connect(server.port)) as patient:
            patient.sendall(deposit("patient"))
            wait_until(lambda: server.front.threads.waiting == 1)
            gate.open()
            patient.shutdown(socket.SHUT_WR)
            received = read_all(patient)

    assert [status for status, _ in answers(first.result() + received)] == [200, 200]
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 2


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
def test_a_read_that_waits_is_dropped_if_its_client_is_gone_and_a_write_is_done(
    start, gate, deposit, bearer, monkeypatch, reset
):
    monkeypatch.setattr(threads, "ABANDONED_SECONDS", 0)
    monkeypatch.setattr(threads, "QUEUE_SECONDS", PATIENCE)
    server = start(application=gate, threads=1)
    read = request("GET /accounts HTTP/1.1", bearer)
    with closing(connect(server.port)) as first:
        first.sendall(deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        for number, sent in enumerate((read, deposit("left"), read)):
            with closing(connect(server.port)) as leaving:
                leaving.sendall(sent)
                wait_until(lambda before=number: server.front.threads.waiting == before + 1)
                if reset:
                    leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        wait_until(lambda: [each.is_gone() for each in server.connections].count(False) == 1)
        gate.open()
        wait_until(lambda: not server.server.server_state.tasks)
        status = first.recv(12)

    assert status == b"HTTP/1.1 200"
    assert gate.begun == [f"/accounts/{deposit.account.pk}/deposit"] * 2
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 2


def test_a_client_that_sends_no_more_is_answered_after_its_wait_for_a_thread(
    start, gate, deposit, monkeypatch
):
    monkeypatch.setattr(threads, "QUEUE_SECONDS", PATIENCE)
    server = start(application=gate, threads=1)
    with ThreadPoolExecutor(1) as clients, closing(connect(server.port)) as ended:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        ended.sendall(deposit("second"))
        ended.shutdown(socket.SHUT_WR)
        wait_until(lambda: server.front.threads.waiting == 1)
        gate.open()
        second = read_all(ended)

    assert [status for status, _ in answers(first.result() + second)] == [200, 200]
