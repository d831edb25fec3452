"""Requests that are refused because they are too large or too slow."""

import logging
import socket
from contextlib import closing

import pytest

from ledger_project.server import front, protocol
from ledger_project.server.tests.sockets import (
    PATIENCE,
    RESET,
    connect,
    exchange,
    read_all,
    request,
    responses,
    wait_until,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

HUGE = "Content-Length: 209715200"
MULTIPART = "Content-Type: multipart/form-data; boundary=b"
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
MEGABYTE = 1024 * 1024


def test_a_huge_body_is_refused_by_its_head_with_a_problem_document(server):
    received = exchange(server.port, request("POST /transfers HTTP/1.1", JSON, HUGE), end=False)

    [(status, problem)] = responses(received)
    assert (status, problem["code"]) == (413, "payload_too_large")
    assert problem["instance"] == "/transfers"


@pytest.mark.parametrize(
    ("length", "status", "code"),
    [(HUGE, 413, "payload_too_large"), ("X-A: 1", 411, "length_required")],
)
def test_a_request_for_a_token_is_refused_by_its_head_with_what_oauth_clients_read(
    server, length, status, code
):
    line = request("POST /auth/token HTTP/1.1", FORM, length)

    [(answered, problem)] = responses(exchange(server.port, line, end=False))

    assert (answered, problem["code"], problem["error"]) == (status, code, "invalid_request")
    assert problem["error_description"] == problem["detail"]


def test_a_huge_upload_to_the_admin_is_refused_by_its_head_with_a_page(server):
    line = request("POST /admin/login/ HTTP/1.1", MULTIPART, HUGE)

    head, _, page = exchange(server.port, line, end=False).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"\r\ncontent-type: text/html; charset=utf-8\r\n" in head
    assert b"That is too much at once" in page


def test_a_chunked_body_is_refused_as_soon_as_it_exceeds_the_limit(server):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    line = request("POST /transfers HTTP/1.1", JSON, "Transfer-Encoding: chunked")

    # The last chunk is never sent.
    [(status, problem)] = responses(exchange(server.port, line + chunk * 17, end=False))

    assert (status, problem["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("line", [b"X-A: ", b"X-A: 1\r\n", b""], ids=["a value", "lines", "a name"])
def test_endless_trailers_are_refused(server, monkeypatch, line):
    # The trailers must be refused for their size, even if this machine is slow.
    monkeypatch.setattr(front, "BODY_SECONDS", PATIENCE)
    head = request("POST /auth/token HTTP/1.1", JSON, "Transfer-Encoding: chunked")
    endless = line * 100_000 if line.endswith(b"\n") else line + b"a" * 300_000

    received = exchange(server.port, head + b"2\r\n{}\r\n0\r\n" + endless, end=False)

    [(status, problem)] = responses(received)
    assert (status, problem["code"]) == (400, "malformed_request")
    assert problem["detail"] == protocol.TRAILERS_TOO_LARGE


def test_a_client_that_sends_everything_before_it_reads_receives_the_refusal(server):
    line = request("POST /transfers HTTP/1.1", JSON, f"Content-Length: {8 * MEGABYTE}")

    with closing(connect(server.port)) as sender:
        sender.sendall(line + b" " * 8 * MEGABYTE)
        [(status, problem)] = responses(read_all(sender))

    assert (status, problem["code"]) == (413, "payload_too_large")


@pytest.fixture
def hurry(monkeypatch):
    """Lower the deadlines for the head and the body to one second each."""
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
def test_a_request_that_does_not_arrive_in_time_gets_408(server, hurry, sent, instance):
    [(status, problem)] = responses(exchange(server.port, sent, end=False))

    assert (status, problem["code"]) == (408, "request_timeout")
    assert problem["instance"] == instance


def test_sending_a_body_slowly_does_not_extend_the_deadline(server, hurry):
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

    [(status, problem)] = responses(received)
    assert (status, problem["code"]) == (408, "request_timeout")


def test_a_client_that_does_not_read_its_responses_is_disconnected(server, monkeypatch, caplog):
    monkeypatch.setattr(front, "WRITE_SECONDS", 1)
    document = request("GET /openapi.json HTTP/1.1")

    with closing(connect(server.port, receive_buffer=4096)) as silent:
        # Far more than the system buffers for a client that doesn't read.
        silent.sendall(document * 30)
        wait_until(lambda: len(server.connections) == 1)
        wait_until(lambda: not server.connections)
        wait_until(lambda: not server.server.server_state.tasks)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_the_buffered_body_of_a_disconnected_client_is_released(server):
    with closing(connect(server.port)) as leaving:
        half = request("POST /transfers HTTP/1.1", JSON, f"Content-Length: {MEGABYTE}", body=b" ")
        leaving.sendall(half + b" " * 100_000)
        leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    [(status, _)] = responses(exchange(server.port, request("GET /healthz HTTP/1.1")))
    assert status == 200
    server.stop()
    assert (server.front.buffer.used, server.connections) == (0, set())
