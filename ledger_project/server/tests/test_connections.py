"""How a connection handles HTTP/1.0 and HTTP/1.1."""

import json
import socket
from contextlib import closing

import pytest

from ledger_project.server import protocol
from ledger_project.server.tests.sockets import (
    connect,
    connected,
    exchange,
    read_all,
    request,
    responses,
    wait_until,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

HEALTH = request("GET /healthz HTTP/1.1")
LAST_HEALTH = request("GET /healthz HTTP/1.1", "Connection: close")
OK = (200, {"status": "ok"})
LOGIN = json.dumps({"username": "nobody", "password": "wrong"}).encode()
JSON = "Content-Type: application/json"


def read_one(connection: socket.socket) -> bytes:
    """Return one response that has a Content-Length, from a connection that stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def test_a_connection_is_kept_open_for_the_next_request(server):
    with closing(connect(server.port)) as connection:
        for _ in range(3):
            connection.sendall(HEALTH)
            assert responses(read_one(connection)) == [OK]


def test_pipelined_requests_are_answered_in_order(server, bearer):
    missing = request("GET /missing HTTP/1.1")
    accounts = request("GET /accounts HTTP/1.1", bearer)

    found = responses(exchange(server.port, HEALTH + missing + accounts + LAST_HEALTH, end=False))

    assert [status for status, _ in found] == [200, 404, 200, 200]
    assert (found[0], found[3]) == (OK, OK)


def test_requests_are_answered_after_the_client_has_closed_its_side(server):
    assert responses(exchange(server.port, HEALTH * 3, end=True)) == [OK] * 3


def test_a_connection_with_too_many_pipelined_requests_is_closed_after_their_responses(server):
    found = responses(exchange(server.port, HEALTH * 500, end=False))

    # The request in progress and the 32 that may wait.
    assert found == [OK] * 33


def test_a_request_may_arrive_byte_by_byte(server):
    with closing(connect(server.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(len(LAST_HEALTH)):
            connection.sendall(LAST_HEALTH[number : number + 1])
        assert responses(read_all(connection)) == [OK]


def test_the_response_to_head_has_no_body(server):
    received = exchange(server.port, request("HEAD /healthz HTTP/1.1") + LAST_HEALTH)

    first, _, rest = received.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 16\r\n" in first
    assert responses(rest) == [OK]


def test_a_response_without_content_has_neither_a_length_nor_a_type(server, alice):
    login = LOGIN.replace(b"nobody", b"alice").replace(b"wrong", b"a password")
    length = f"Content-Length: {len(login)}"
    line = request("POST /auth/token HTTP/1.1", JSON, length, body=login)
    [(_, tokens)] = responses(exchange(server.port, line))
    body = json.dumps({"refresh": tokens["refresh"]}).encode()
    log_out = request("POST /auth/logout HTTP/1.1", JSON, f"Content-Length: {len(body)}", body=body)
    unchanged = request("GET /openapi.json HTTP/1.1", "If-None-Match: *")

    received = [exchange(server.port, each) for each in (log_out, unchanged)]

    assert [each.split(b" ")[1] for each in received] == [b"204", b"304"]
    for each in received:
        assert b"\r\ncontent-length:" not in each.lower()
        assert b"\r\ncontent-type:" not in each.lower()


def test_an_http_1_0_connection_is_closed_after_the_response(server):
    received = exchange(server.port, b"GET /healthz HTTP/1.0\r\n\r\n", end=False)

    assert responses(received) == [OK]
    assert b"connection: close\r\n" in received


def test_expect_100_continue_gets_100_continue(server):
    line = ("POST /auth/token HTTP/1.1", JSON, f"Content-Length: {len(LOGIN)}")
    with closing(connect(server.port)) as connection:
        connection.sendall(request(*line, "Expect: 100-continue", "Connection: close"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(LOGIN)
        [(status, problem)] = responses(read_all(connection))

    assert (status, problem["code"]) == (401, "authentication_failed")


def test_a_static_file_can_be_requested_whole_or_as_a_range(server):
    path = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css"
    whole = exchange(server.port, request(f"GET {path} HTTP/1.1")).partition(b"\r\n\r\n")[2]
    some = exchange(server.port, request(f"GET {path} HTTP/1.1", "Range: bytes=70000-199999"))

    head, _, part = some.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 206 ")
    assert len(whole) > 100_000
    assert part == whole[70_000:200_000]


def test_expect_100_continue_with_too_large_a_body_gets_413(server):
    line = ("POST /auth/token HTTP/1.1", JSON, "Content-Length: 2000000", "Expect: 100-continue")

    [(status, problem)] = responses(exchange(server.port, request(*line), end=False))

    assert (status, problem["code"]) == (413, "payload_too_large")


def test_an_upgrade_is_ignored_and_the_connection_is_kept_open(server):
    upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    asked = request("GET /healthz HTTP/1.1", *upgrade)

    assert responses(exchange(server.port, asked * 2 + LAST_HEALTH, end=False)) == [OK] * 3


def test_the_host_of_an_absolute_target_is_used(server):
    ours = exchange(server.port, request("GET http://127.0.0.1/healthz HTTP/1.1"))
    others = exchange(server.port, request("GET http://elsewhere/healthz HTTP/1.1"))
    twice = exchange(server.port, request("GET http://127.0.0.1/healthz HTTP/1.1", "Host: b"))

    assert responses(ours) == [OK]
    refused = [(status, problem["code"]) for [(status, problem)] in map(responses, (others, twice))]
    assert refused == [(400, "invalid_host"), (400, "malformed_request")]


@pytest.mark.parametrize("host", ["[::1]", "[::1]:8000", "[2001:db8::1]"])
def test_the_host_of_an_absolute_target_may_be_an_ipv6_address(server, settings, host):
    settings.ALLOWED_HOSTS = ["[::1]", "[2001:db8::1]"]

    received = exchange(server.port, request(f"GET http://{host}/healthz HTTP/1.1", host="b"))

    assert responses(received) == [OK]


@pytest.mark.parametrize("parameter", ["x*=nope'en'z", "a=b;" * 200])
def test_an_unreadable_content_type_is_ignored_on_reads_and_refused_on_writes(
    server, bearer, parameter
):
    header = f"Content-Type: application/json;{parameter}"
    read = request("GET /accounts HTTP/1.1", bearer, header)
    more = ("Content-Length: 2", "Idempotency-Key: key")
    write = request("POST /transfers HTTP/1.1", bearer, header, *more, body=b"{}")

    [(read_status, _)] = responses(exchange(server.port, read))
    [(status, problem)] = responses(exchange(server.port, write))

    assert (read_status, status, problem["code"]) == (200, 415, "unsupported_media_type")


def test_connect_is_refused(server):
    received = exchange(server.port, request("CONNECT example.com:443 HTTP/1.1"), end=False)

    [(status, problem)] = responses(received)
    assert (status, problem["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: \x00\r\n\r\n",
        b"GET /healthz HTTP/3.7\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /" + b"a" * 70_000,
        b"GET / HTTP/1.1\r\nX: " + b"a" * 300_000,
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 17_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: a\r\n" * 100 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"a:\r\n" * 16_000,
    ],
    ids=[
        "TLS",
        "HTTP/2",
        "no version",
        "no colon",
        "NUL",
        "HTTP/3.7",
        "a long path",
        "long header",
        "a whole head that is too long",
        "101 headers",
        "16,000 headers",
    ],
)
def test_the_response_to_an_unparsable_request_is_a_problem_document(server, sent):
    received = exchange(server.port, sent, end=False)

    [(status, problem)] = responses(received)
    assert (status, problem["code"]) == (400, "malformed_request")
    assert b"\r\ncontent-type: application/problem+json\r\n" in received
    assert b"\r\nx-request-id: " in received


def test_a_refusal_has_the_headers_of_other_responses(server):
    line = ("POST /transfers HTTP/1.1", "X-Request-ID: mine")

    received = exchange(server.port, request(*line), end=False)

    [(status, problem)] = responses(received)
    assert (status, problem["instance"]) == (411, "/transfers")
    assert b"\r\nx-request-id: mine\r\n" in received
    assert b"\r\ncontent-security-policy: default-src 'none'" in received
    assert b"\r\nconnection: close\r\n" in received


def test_an_empty_line_does_not_keep_an_idle_connection_open(start, monkeypatch):
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 1)
    server = start()

    with closing(connect(server.port)) as idle:
        idle.sendall(b"\r\n")
        assert read_all(idle) == b""


def test_a_client_with_many_connections_makes_room_for_others(start, monkeypatch):
    monkeypatch.setattr(protocol, "CONNECTIONS", 20)
    server = start()

    with closing(connect(server.port, address="127.0.0.2")) as idle:
        idle.sendall(HEALTH)
        first = read_one(idle)
        # The connection above has been idle for longer than any of these.
        with connected(server.port, 60):
            wait_until(lambda: len(server.connections) == 20)
            idle.sendall(LAST_HEALTH)
            last = read_all(idle)

    assert [responses(each) for each in (first, last)] == [[OK], [OK]]
