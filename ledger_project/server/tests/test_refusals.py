"""What is refused by its size or its pace, in the words of the face that it was sent to."""

import logging
import socket
from contextlib import closing

import pytest

from ledger_project.server import front, protocol
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

HUGE = "Content-Length: 209715200"
MULTIPART = "Content-Type: multipart/form-data; boundary=b"
JSON = "Content-Type: application/json"
MEGABYTE = 1024 * 1024


def test_a_huge_body_is_refused_by_its_head_as_a_problem_document(server):
    received = exchange(server.port, request("POST /transfers HTTP/1.1", JSON, HUGE), end=False)

    [(status, problem)] = answers(received)
    assert (status, problem["code"]) == (413, "payload_too_large")
    assert problem["instance"] == "/transfers"


def test_a_huge_upload_to_the_admin_is_refused_by_its_head_as_a_page(server):
    line = request("POST /admin/login/ HTTP/1.1", MULTIPART, HUGE)

    head, _, page = exchange(server.port, line, end=False).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"\r\ncontent-type: text/html; charset=utf-8\r\n" in head
    assert b"That is too much at once" in page


def test_chunks_are_refused_where_they_pass_the_bound(server):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    line = request("POST /transfers HTTP/1.1", JSON, "Transfer-Encoding: chunked")

    # Of an endless body: nothing says that it ends.
    [(status, problem)] = answers(exchange(server.port, line + chunk * 17, end=False))

    assert (status, problem["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("line", [b"X-A: ", b"X-A: 1\r\n", b""], ids=["a value", "lines", "a name"])
def test_trailers_that_do_not_end_are_refused(server, monkeypatch, line):
    # They are refused for their size, however slow this machine is.
    monkeypatch.setattr(front, "BODY_SECONDS", PATIENCE)
    head = request("POST /auth/token HTTP/1.1", JSON, "Transfer-Encoding: chunked")
    endless = line * 100_000 if line.endswith(b"\n") else line + b"a" * 300_000

    received = exchange(server.port, head + b"2\r\n{}\r\n0\r\n" + endless, end=False)

    [(status, problem)] = answers(received)
    assert (status, problem["code"]) == (400, "malformed_request")


def test_a_client_that_sends_all_before_it_reads_gets_the_refusal(server):
    line = request("POST /transfers HTTP/1.1", JSON, f"Content-Length: {8 * MEGABYTE}")

    with closing(connect(server.port)) as sender:
        sender.sendall(line + b" " * 8 * MEGABYTE)
        [(status, problem)] = answers(read_all(sender))

    assert (status, problem["code"]) == (413, "payload_too_large")


@pytest.fixture
def hurry(monkeypatch):
    """A head and a body have a second each to arrive."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 1)
    monkeypatch.setattr(front, "BODY_SECONDS", 1)


@pytest.mark.parametrize(
    ("sent", "instance"),
    [
        pytest.param(b"GET /healthz HTT", "", id="half a line"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", "", id="half a head"),
        pytest.param(
            request("POST /transfers HTTP/1.1", JSON, "Content-Length: 9", body=b"{"),
            "/transfers",
            id="half a body",
        ),
        pytest.param(
            request("POST /transfers HTTP/1.1", JSON, "Transfer-Encoding: chunked", body=b"9\r\n{"),
            "/transfers",
            id="half a chunk",
        ),
    ],
)
def test_a_request_that_does_not_arrive_in_time_is_408(server, hurry, sent, instance):
    [(status, problem)] = answers(exchange(server.port, sent, end=False))

    assert (status, problem["code"]) == (408, "request_timeout")
    assert problem["instance"] == instance


def test_a_request_that_trickles_in_is_late_all_the_same(server, hurry):
    line = request("POST /transfers HTTP/1.1", JSON, "Content-Length: 1000")

    with closing(connect(server.port)) as slow:
        slow.sendall(line)
        slow.settimeout(0.2)
        received = b""
        for _ in range(500):
            try:
                slow.sendall(b" ")
                received = slow.recv(65536)
                break
            except TimeoutError:
                continue

    [(status, problem)] = answers(received)
    assert (status, problem["code"]) == (408, "request_timeout")


def test_a_client_that_takes_nothing_is_cut_off(server, monkeypatch, caplog):
    monkeypatch.setattr(front, "WRITE_SECONDS", 1)
    document = request("GET /openapi.json HTTP/1.1")

    with closing(connect(server.port, receive_buffer=4096)) as silent:
        # Far more than the system keeps for somebody who doesn't read.
        silent.sendall(document * 30)
        wait_until(lambda: len(server.connections) == 1)
        wait_until(lambda: not server.connections)
        wait_until(lambda: not server.server.server_state.tasks)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_a_client_that_is_gone_is_forgotten(server):
    with closing(connect(server.port)) as leaving:
        half = request("POST /transfers HTTP/1.1", JSON, f"Content-Length: {MEGABYTE}", body=b" ")
        leaving.sendall(half + b" " * 100_000)
        leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    [(status, _)] = answers(exchange(server.port, request("GET /healthz HTTP/1.1")))
    assert status == 200
    server.stop()
    assert (server.front.buffered, server.connections) == (0, set())
