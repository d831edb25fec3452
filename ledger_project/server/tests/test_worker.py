"""A worker that has too much to do, too many clients, or is told to stop."""

import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest
from django.core.handlers.wsgi import WSGIHandler

from ledger_project.server import front, protocol, threads
from ledger_project.server.refusals import REFUSAL
from ledger_project.server.tests.sockets import (
    PATIENCE,
    answers,
    connect,
    connected,
    exchange,
    read_all,
    request,
    wait_until,
)

pytestmark = pytest.mark.django_db(transaction=True)

HEALTH = request("GET /healthz HTTP/1.1", "Connection: close")
DOCUMENT = request("GET /openapi.json HTTP/1.1")
OK = (200, {"status": "ok"})
BODY = b'{"amount":1}'


@pytest.fixture
def deposit(alice, bearer, funded_account):
    """Return a function that makes the request for a deposit under a key."""
    account = funded_account(alice)

    def make(key: str) -> bytes:
        line = f"POST /accounts/{account.pk}/deposit HTTP/1.1"
        headers = ("Content-Type: application/json", f"Content-Length: {len(BODY)}")
        return request(line, bearer, *headers, f"Idempotency-Key: {key}", body=BODY)

    make.account = account
    return make


class Gate:
    """The application, whose answers for a path wait until the gate is opened."""

    def __init__(self) -> None:
        self.path = "/deposit"
        self.arrived, self._open = 0, threading.Event()
        self._django = WSGIHandler()

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"].endswith(self.path) and REFUSAL not in environ:
            self.arrived += 1
            assert self._open.wait(PATIENCE)
        return self._django(environ, start_response)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


def test_what_finds_no_place_to_wait_is_503_and_health_answers_all_the_same(
    start, gate, deposit, monkeypatch
):
    monkeypatch.setattr(threads, "QUEUE", 2)
    server = start(application=gate, threads=1)
    with ThreadPoolExecutor(3) as clients:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        sent = [clients.submit(exchange, server.port, deposit(f"{n}")) for n in range(2)]
        wait_until(lambda: not server.front.threads.have_room())
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


def test_what_has_waited_for_too_long_is_503_and_not_done(start, deposit, monkeypatch):
    monkeypatch.setattr(threads, "QUEUE_SECONDS", -1)
    server = start()

    [(status, problem)] = answers(exchange(server.port, deposit("late")))

    assert (status, problem["code"]) == (503, "temporarily_unavailable")
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 0


def test_bodies_beyond_what_can_be_kept_are_503(start, deposit, monkeypatch):
    monkeypatch.setattr(front, "BUFFERED_BYTES", len(BODY) - 1)
    server = start()

    [(status, problem)] = answers(exchange(server.port, deposit("too big")))

    assert (status, problem["code"]) == (503, "temporarily_unavailable")


def test_the_connection_that_has_waited_longest_makes_room_for_a_newcomer(start, monkeypatch):
    monkeypatch.setattr(protocol, "CONNECTIONS", 10)
    server = start()

    with connected(server.port, 10) as patient:
        wait_until(lambda: len(server.connections) == 10)
        newcomer = exchange(server.port, HEALTH)
        first = read_all(patient[0])
        patient[1].sendall(HEALTH)
        second = read_all(patient[1])

    assert answers(newcomer) == [OK]
    assert first == b""
    assert answers(second) == [OK]


def test_connections_whose_client_does_not_read_make_room_too(start, monkeypatch):
    monkeypatch.setattr(protocol, "CONNECTIONS", 5)
    server = start()

    with ExitStack() as stack:
        for _ in range(5):
            silent = stack.enter_context(closing(connect(server.port, receive_buffer=4096)))
            # Far more than the system keeps for a client that doesn't read.
            silent.sendall(DOCUMENT * 30)
        wait_until(lambda: [each.flow.write_paused for each in server.connections] == [True] * 5)
        newcomers = [answers(exchange(server.port, HEALTH)) for _ in range(6)]

    assert newcomers == [[OK]] * 6


def test_a_newcomer_is_closed_where_every_other_connection_is_at_work(
    start, gate, deposit, monkeypatch
):
    monkeypatch.setattr(protocol, "CONNECTIONS", 1)
    server = start(application=gate)

    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        with closing(connect(server.port)) as newcomer:
            received = read_all(newcomer)
        gate.open()

    assert received == b""
    assert [status for status, _ in answers(first.result())] == [200]


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("more", [b"", HEALTH * 3], ids=["one request", "several"])
@pytest.mark.parametrize("path", ["/deposit", "/openapi.json"])
def test_a_client_that_leaves_before_its_answer_is_no_error(
    start, gate, deposit, caplog, path, more, reset
):
    gate.path = path
    server = start(application=gate)
    with closing(connect(server.port)) as leaving:
        leaving.sendall((deposit("left") if path == "/deposit" else DOCUMENT) + more)
        wait_until(lambda: gate.arrived == 1)
        if reset:
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    gate.open()
    wait_until(lambda: not server.connections and not server.server.server_state.tasks)

    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    deposit.account.refresh_from_db()
    assert deposit.account.balance == (1 if path == "/deposit" else 0)


def test_a_client_that_sends_no_more_is_answered_after_its_wait_for_a_thread(start, gate, deposit):
    server = start(application=gate, threads=1)
    with ThreadPoolExecutor(1) as clients, closing(connect(server.port)) as ended:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        ended.sendall(deposit("second"))
        ended.shutdown(socket.SHUT_WR)
        wait_until(lambda: server.front.threads._jobs.qsize() == 1)
        gate.open()
        second = read_all(ended)

    assert [status for status, _ in answers(first.result() + second)] == [200, 200]


def test_a_worker_that_is_told_to_stop_answers_what_is_under_way(start, gate, deposit):
    server = start(application=gate)
    with ThreadPoolExecutor(2) as helpers, closing(connect(server.port)) as half:
        half.sendall(deposit("half")[:-1])
        sent = helpers.submit(exchange, server.port, deposit("whole"), end=False)
        wait_until(lambda: len(server.connections) == 2 and gate.arrived == 1)
        stopped = helpers.submit(server.stop)
        wait_until(lambda: server.server.should_exit)
        gate.open()
        half.sendall(BODY[-1:])
        rest = read_all(half)
        stopped.result(PATIENCE)
        received = sent.result()

    assert [status for status, _ in answers(received + rest)] == [200, 200]
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 2
