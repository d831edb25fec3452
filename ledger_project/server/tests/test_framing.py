"""A request with an ambiguous length or ambiguous headers changes nothing (RFC 9112 §6)."""

import http.client
import json
from contextlib import closing

import pytest

from accounts.models import Account
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.server import front, protocol
from ledger_project.server.tests.sockets import exchange, request, responses
from transfers.models import Transfer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

JSON = "Content-Type: application/json"
AMOUNT = b'{"amount":1}'
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = b"c\r\n" + AMOUNT + b"\r\n0\r\n\r\n"


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch):
    """
    Close refused connections without waiting for further data.

    The requests of this module are so short that the worker has already received all of each.
    """
    for module in (front, protocol):
        monkeypatch.setattr(module, "LINGER_SECONDS", 0)


@pytest.fixture
def withdraw(server, alice, bearer, funded_account):
    """Return a function that sends the request for a withdrawal and returns the responses."""
    account = funded_account(alice, balance=100)
    before = Transfer.objects.count()

    def send(
        *headers: str, body: bytes = AMOUNT, version="1.1", key="Idempotency-Key: k", then=b""
    ) -> list:
        line = f"POST /accounts/{account.pk}/withdraw HTTP/{version}"
        sent = request(line, bearer, JSON, *([key] if key else []), *headers, body=body)
        return responses(exchange(server.port, sent + then))

    def moved() -> tuple[int, int]:
        balance = Account.objects.get(pk=account.pk).balance
        return 100 - balance, Transfer.objects.count() - before

    send.moved = moved
    return send


def codes(found: list) -> list[tuple[int, str | None]]:
    return [(status, (document or {}).get("code")) for status, document in found]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param(["Content-Length: 12"], AMOUNT, id="a length"),
        pytest.param([CHUNKED], CHUNKS, id="chunks"),
        pytest.param([CHUNKED], b"4\r\n" + AMOUNT[:4] + b"\r\n8;x=y\r\n" + AMOUNT[4:]
                     + b"\r\n0\r\nX-Trailer: 1\r\n\r\n", id="chunks with extras"),
    ],
)  # fmt: skip
def test_a_complete_request_is_carried_out(withdraw, headers, body):
    [(status, account)] = withdraw(*headers, body=body)

    assert (status, account["balance"]) == (200, 99)
    assert withdraw.moved() == (1, 1)


UPGRADE = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param(["Content-Length: 12", *UPGRADE], AMOUNT, id="a length"),
        pytest.param([*UPGRADE, CHUNKED], CHUNKS, id="chunks"),
        pytest.param(
            ["Content-Length: 12", "Connection: upgrade", "Upgrade: websocket"],
            AMOUNT,
            id="a websocket",
        ),
    ],
)
def test_an_upgrade_is_ignored_and_the_body_is_read(withdraw, headers, body):
    [(status, account)] = withdraw(*headers, body=body)

    assert (status, account["balance"]) == (200, 99)
    assert withdraw.moved() == (1, 1)


def test_a_body_may_arrive_after_many_requests_without_one(server, alice, bearer, funded_account):
    account = funded_account(alice, balance=100)
    name, _, value = bearer.partition(": ")
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with closing(client):
        for _ in range(5):
            client.request("GET", "/healthz", headers={"X-Padding": "x" * 4_000})
            assert client.getresponse().read()
        headers = {name: value, "Content-Type": "application/json", "Idempotency-Key": "k"}
        # The server has read the head when it asks for the body.
        waiting = headers | {"Expect": "100-continue", "Content-Length": str(len(AMOUNT))}
        client.request("POST", f"/accounts/{account.pk}/withdraw", headers=waiting)
        asked = client.sock.recv(100)
        client.send(AMOUNT)
        response = client.getresponse()

        assert asked.startswith(b"HTTP/1.1 100 ")
        assert (response.status, json.load(response).get("balance")) == (200, 99)


def test_a_trailer_is_not_taken_for_a_header(withdraw):
    trailed = b"c\r\n" + AMOUNT + b"\r\n0\r\nIdempotency-Key: k\r\n\r\n"

    [(status, problem)] = withdraw(CHUNKED, body=trailed, key=None)

    assert (status, problem["code"]) == (400, "idempotency_key_missing")
    assert withdraw.moved() == (0, 0)


MALFORMED = (400, "malformed_request")
# The headers, the body and the expected response.
REFUSED = [
    pytest.param(["Content-Length: 500"], AMOUNT, MALFORMED, id="a body shorter than its length"),
    pytest.param(["Content-Length: 13"], AMOUNT, MALFORMED, id="a body shorter by a byte"),
    pytest.param([CHUNKED], b"c\r\n" + AMOUNT + b"\r\n", MALFORMED, id="no last chunk"),
    pytest.param([CHUNKED], b"c\r\n" + AMOUNT, MALFORMED, id="half a chunk"),
    pytest.param([CHUNKED], CHUNKS[:-2], MALFORMED, id="no last line"),
    pytest.param([CHUNKED], b"", MALFORMED, id="no chunk"),
    pytest.param([CHUNKED], b"zz\r\n" + CHUNKS, MALFORMED, id="a chunk without a size"),
    pytest.param([CHUNKED], b"-c\r\n" + AMOUNT + b"\r\n0\r\n\r\n", MALFORMED, id="a size below 0"),
    pytest.param([], AMOUNT, (411, "length_required"), id="no length"),
    pytest.param([], b"", (411, "length_required"), id="no length and no body"),
    pytest.param([CHUNKED, "Content-Length: 12"], CHUNKS, MALFORMED, id="chunks and a length"),
    pytest.param(["Content-Length: 12", CHUNKED], CHUNKS, MALFORMED, id="a length and chunks"),
    pytest.param(["Content-Length: 12", "Content-Length: 500"], AMOUNT, MALFORMED, id="2 lengths"),
    pytest.param(["Content-Length: 12"] * 2, AMOUNT, MALFORMED, id="a length twice"),
    pytest.param(["Content-Length: 12, 12"], AMOUNT, MALFORMED, id="a list of lengths"),
    pytest.param(["Content-Length: +12"], AMOUNT, MALFORMED, id="a signed length"),
    pytest.param(["Content-Length: 0x0c"], AMOUNT, MALFORMED, id="a hexadecimal length"),
    pytest.param(["Content-Length : 12"], AMOUNT, MALFORMED, id="a space before the colon"),
    pytest.param(["Content_Length: 12"], AMOUNT, MALFORMED, id="an underscore"),
    pytest.param(["Transfer-Encoding: gzip, chunked"], CHUNKS, MALFORMED, id="another coding"),
    pytest.param([CHUNKED, CHUNKED], CHUNKS, MALFORMED, id="chunked twice"),
    pytest.param(["Content-Length: 12", "Host: elsewhere"], AMOUNT, MALFORMED, id="two hosts"),
]


@pytest.mark.parametrize(("headers", "body", "expected"), REFUSED)
def test_an_ambiguous_or_incomplete_request_is_refused_and_changes_nothing(
    withdraw, headers, body, expected
):
    assert codes(withdraw(*headers, body=body)) == [expected]
    assert withdraw.moved() == (0, 0)


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        pytest.param([], AMOUNT, (411, "length_required"), id="no length"),
        pytest.param([CHUNKED], CHUNKS, MALFORMED, id="chunks"),
        pytest.param(["Content-Length: 500"], AMOUNT, MALFORMED, id="too short"),
    ],
)
def test_an_http_1_0_request_without_a_usable_length_is_refused(withdraw, headers, body, expected):
    assert codes(withdraw(*headers, body=body, version="1.0")) == [expected]
    assert withdraw.moved() == (0, 0)


def test_an_http_1_0_request_with_a_length_is_carried_out(withdraw):
    [(status, _)] = withdraw("Content-Length: 12", version="1.0")

    assert (status, withdraw.moved()) == (200, (1, 1))


DOUBLED = [
    pytest.param(["Idempotency_Key: other"], MALFORMED, id="an underscore beside the key"),
    pytest.param(["IDEMPOTENCY_KEY: k"], MALFORMED, id="the same key with an underscore"),
    pytest.param(["Idempotency-Key: other"], (400, "idempotency_key_invalid"), id="two keys"),
    pytest.param(["idempotency-key: k"], (400, "idempotency_key_invalid"), id="one key twice"),
    pytest.param(["Authorization: Bearer x"], MALFORMED, id="two tokens"),
    pytest.param(["Content_Type: text/plain"], MALFORMED, id="another type"),
    pytest.param(["Content-Type: text/plain"], MALFORMED, id="two types"),
    pytest.param(["X_Forwarded_For: 203.0.113.7"], MALFORMED, id="another address"),
    pytest.param(["X_Request_ID: x"], MALFORMED, id="another id"),
]


@pytest.mark.parametrize(("headers", "expected"), DOUBLED)
def test_a_repeated_or_ambiguous_header_is_refused(withdraw, headers, expected):
    assert codes(withdraw("Content-Length: 12", *headers)) == [expected]
    assert withdraw.moved() == (0, 0)


def test_an_idempotency_key_header_with_an_underscore_is_refused(withdraw):
    found = withdraw("Content-Length: 12", key="Idempotency_Key: k")

    assert codes(found) == [MALFORMED]
    assert withdraw.moved() == (0, 0)


@pytest.mark.parametrize("after", ["\x85", "\xa0", "\xa0 \xa0", "\t\x85"])
def test_a_key_that_ends_with_a_space_of_unicode_is_refused(withdraw, after):
    found = withdraw("Content-Length: 12", key=f"Idempotency-Key: k{after}")

    assert codes(found) == [(400, "idempotency_key_invalid")]
    assert withdraw.moved() == (0, 0)


@pytest.mark.parametrize("after", [" ", "\t", " \t "])
def test_spaces_and_tabs_around_a_key_are_not_part_of_it(withdraw, after):
    found = withdraw("Content-Length: 12", key=f"Idempotency-Key:{after}k{after}")

    assert codes(found) == [(200, None)]
    assert IdempotencyKey.objects.latest("created_at").key == "k"


def test_garbage_after_a_request_does_not_affect_its_response(withdraw):
    found = withdraw("Content-Length: 12", then=b"garbage\r\n\r\n")

    assert codes(found) == [(200, None)]
    assert withdraw.moved() == (1, 1)


def test_a_body_is_read_only_up_to_its_content_length(withdraw):
    found = withdraw("Content-Length: 5", body=AMOUNT)

    assert codes(found) == [(400, "malformed_json")]
    assert withdraw.moved() == (0, 0)
