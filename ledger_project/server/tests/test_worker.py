"""How a worker handles too many clients, and how it stops."""

import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from select import select

import pytest

from api.exceptions import LARGEST_BODY
from ledger_project.server import buffer, front, protocol
from ledger_project.server.tests.conftest import BODY
from ledger_project.server.tests.sockets import (
    PATIENCE,
    RESET,
    connect,
    connected,
    exchange,
    read_all,
    request,
    responses,
    wait_until,
)

pytestmark = pytest.mark.django_db(transaction=True)

HEALTH = request("GET /healthz HTTP/1.1", "Connection: close")
DOCUMENT = request("GET /openapi.json HTTP/1.1")
OK = (200, {"status": "ok"})


def test_a_body_beyond_the_limit_for_buffered_bodies_gets_503(start, deposit, monkeypatch):
    monkeypatch.setattr(buffer, "BUFFERED_BYTES", len(BODY) - 1)
    server = start()

    [(status, problem)] = responses(exchange(server.port, deposit("too big")))

    assert (status, problem["code"]) == (503, "temporarily_unavailable")


def test_a_client_with_many_unfinished_bodies_leaves_room_for_others(start, deposit, monkeypatch):
    monkeypatch.setattr(buffer, "BUFFERED_BYTES", 4 * LARGEST_BODY)
    monkeypatch.setattr(front, "BODY_SECONDS", PATIENCE)
    server = start(proxies=("127.0.0.1",))
    # One byte less than the largest body, so that one fits beside what the client may hold.
    length = LARGEST_BODY - 1
    line = ("POST /transfers HTTP/1.1", f"Content-Length: {length}")
    half = request(*line, "X-Forwarded-For: 192.0.2.1", body=b" " * (length - 1))
    whole = deposit("another").replace(
        f"Content-Length: {len(BODY)}".encode(), f"Content-Length: {length}".encode()
    ) + b" " * (length - len(BODY))

    with connected(server.port, 12) as connections:
        for each in connections:
            each.sendall(half)
        # Those that no longer fit have been refused.
        wait_until(lambda: len(select(connections, [], [], 0)[0]) >= 8)
        other = exchange(server.port, whole)
        refused = [responses(read_all(each)) for each in select(connections, [], [], 0)[0]]

    assert [status for status, _ in responses(other)] == [200]
    assert {status for [(status, _)] in refused} == {503}


def test_a_new_connection_beyond_the_limit_closes_the_one_that_has_waited_longest(
    start, monkeypatch
):
    monkeypatch.setattr(protocol, "CONNECTIONS", 10)
    server = start()

    with connected(server.port, 10) as patient:
        wait_until(lambda: len(server.connections) == 10)
        newcomer = exchange(server.port, HEALTH)
        first = read_all(patient[0])
        patient[1].sendall(HEALTH)
        second = read_all(patient[1])

    assert responses(newcomer) == [OK]
    assert first == b""
    assert responses(second) == [OK]


def test_room_is_made_for_several_connections_at_once(start, monkeypatch):
    monkeypatch.setattr(protocol, "CONNECTIONS", 64)
    server = start()

    with connected(server.port, 64) as patient:
        wait_until(lambda: len(server.connections) == 64)
        assert responses(exchange(server.port, HEALTH)) == [OK]
        assert [read_all(each) for each in patient[:2]] == [b"", b""]
        wait_until(lambda: len(server.connections) == 62)


def test_a_new_connection_beyond_the_limit_closes_one_whose_client_does_not_read(
    start, monkeypatch
):
    monkeypatch.setattr(protocol, "CONNECTIONS", 5)
    server = start()

    with ExitStack() as stack:
        for _ in range(5):
            silent = stack.enter_context(closing(connect(server.port, receive_buffer=4096)))
            # Far more than the system buffers for a client that doesn't read.
            silent.sendall(DOCUMENT * 30)
        wait_until(lambda: [each.flow.write_paused for each in server.connections] == [True] * 5)
        newcomers = [responses(exchange(server.port, HEALTH)) for _ in range(6)]

    assert newcomers == [[OK]] * 6


def test_a_new_connection_is_closed_if_all_others_are_waiting_for_a_response(
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
    assert [status for status, _ in responses(first.result())] == [200]


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("more", [b"", HEALTH * 3], ids=["one request", "several"])
@pytest.mark.parametrize("path", ["/deposit", "/openapi.json"])
def test_a_client_that_disconnects_before_its_response_causes_no_error(
    start, gate, deposit, caplog, path, more, reset
):
    gate.path = path
    server = start(application=gate)
    with closing(connect(server.port)) as leaving:
        leaving.sendall((deposit("left") if path == "/deposit" else DOCUMENT) + more)
        wait_until(lambda: gate.arrived == 1)
        if reset:
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    gate.open()
    wait_until(lambda: not server.connections and not server.server.server_state.tasks)

    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    deposit.account.refresh_from_db()
    assert deposit.account.balance == (1 if path == "/deposit" else 0)


def test_a_stopping_worker_answers_the_requests_in_progress(start, gate, deposit):
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

    assert [status for status, _ in responses(received + rest)] == [200, 200]
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 2
