"""A request whose end or whose meaning isn't certain does nothing (RFC 9112 §6)."""

import pytest

from accounts.models import Account
from ledger_project.server.tests.sockets import answers, exchange, request
from transfers.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)

JSON = "Content-Type: application/json"
AMOUNT = b'{"amount":1}'
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = b"c\r\n" + AMOUNT + b"\r\n0\r\n\r\n"


@pytest.fixture
def withdraw(server, alice, bearer, funded_account):
    """Return a function that asks for a withdrawal by these bytes, and returns the answers."""
    account = funded_account(alice, balance=100)
    before = Transfer.objects.count()

    def send(
        *headers: str, body: bytes = AMOUNT, version="1.1", key="Idempotency-Key: k", then=b""
    ) -> list:
        line = f"POST /accounts/{account.pk}/withdraw HTTP/{version}"
        sent = request(line, bearer, JSON, *([key] if key else []), *headers, body=body)
        return answers(exchange(server.port, sent + then))

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
def test_a_whole_request_is_done(withdraw, headers, body):
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
            id="a socket",
        ),
    ],
)
def test_an_upgrade_is_ignored_and_the_body_read(withdraw, headers, body):
    [(status, account)] = withdraw(*headers, body=body)

    assert (status, account["balance"]) == (200, 99)
    assert withdraw.moved() == (1, 1)


def test_a_trailer_is_no_header(withdraw):
    trailed = b"c\r\n" + AMOUNT + b"\r\n0\r\nIdempotency-Key: k\r\n\r\n"

    [(status, problem)] = withdraw(CHUNKED, body=trailed, key=None)

    assert (status, problem["code"]) == (400, "idempotency_key_missing")
    assert withdraw.moved() == (0, 0)


MALFORMED = (400, "malformed_request")
# Each with what the client is told; it may be gone already.
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


@pytest.mark.parametrize(("headers", "body", "answer"), REFUSED)
def test_an_uncertain_request_is_refused_and_nothing_is_done(withdraw, headers, body, answer):
    assert codes(withdraw(*headers, body=body)) == [answer]
    assert withdraw.moved() == (0, 0)


@pytest.mark.parametrize(
    ("headers", "body", "answer"),
    [
        pytest.param([], AMOUNT, (411, "length_required"), id="no length"),
        pytest.param([CHUNKED], CHUNKS, MALFORMED, id="chunks"),
        pytest.param(["Content-Length: 500"], AMOUNT, MALFORMED, id="too short"),
    ],
)
def test_http_1_0_is_held_to_the_same(withdraw, headers, body, answer):
    assert codes(withdraw(*headers, body=body, version="1.0")) == [answer]
    assert withdraw.moved() == (0, 0)


def test_an_http_1_0_request_with_a_length_is_done(withdraw):
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


@pytest.mark.parametrize(("headers", "answer"), DOUBLED)
def test_a_header_that_could_be_taken_for_another_is_refused(withdraw, headers, answer):
    assert codes(withdraw("Content-Length: 12", *headers)) == [answer]
    assert withdraw.moved() == (0, 0)


def test_a_key_with_an_underscore_alone_is_no_key(withdraw):
    found = withdraw("Content-Length: 12", key="Idempotency_Key: k")

    assert codes(found) == [MALFORMED]
    assert withdraw.moved() == (0, 0)


def test_what_follows_a_request_is_no_part_of_it_and_never_answered_in_its_place(withdraw):
    found = withdraw("Content-Length: 12", then=b"garbage\r\n\r\n")

    assert codes(found) == [(200, None)]
    assert withdraw.moved() == (1, 1)


def test_a_body_longer_than_its_length_is_cut_where_the_length_says(withdraw):
    found = withdraw("Content-Length: 5", body=AMOUNT)

    assert codes(found) == [(400, "malformed_json")]
    assert withdraw.moved() == (0, 0)
