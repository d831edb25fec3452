"""Which request targets are accepted, and which paths they lead to."""

import pytest

from ledger_project.server.tests.sockets import exchange, request, responses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

MALFORMED = [
    *("/healthz#x", "/healthz#", "/healthz?#x", "/#x", "#x", "http://127.0.0.1/healthz#x"),
    *("/heal thz", "/healthz?a b", "/healthz\t", "/health\x01z", "/healthz\x7f"),
    *("/healthz\xe9", "/healthz?a=\xe9", "healthz", "\\healthz"),
    *("/healthz%", "/healthz%4", "/healthz%zz", "/idempotency-keys/%zz", "/healthz?a=%"),
    *("/healthz%ff", "/idempotency-keys/%ff", "/accounts?owner_name=%E9", "/healthz%ED%A0%80"),
    *("ftp://127.0.0.1/healthz", "http://user:password@127.0.0.1/healthz"),
]
NOWHERE = [
    *("/auth%2Ftoken", "/auth%2ftoken", "/%2Fhealthz", "/healthz%2F", "/auth%252Ftoken"),
    *("/admin%2Flogin/", "/idempotency-keys%2Fk", "http://127.0.0.1/auth%2Ftoken"),
    *("//healthz", "///healthz", "/healthz/", "//", "/./healthz", "/../healthz", "/x/../healthz"),
    *(
        "/\\healthz",
        "/healthz%5C",
        "/healthz%00",
        "/%00",
        "/healthz;",
        "/healthz;a=b",
        "/healthz%3F",
    ),
]


def response_to(server, target: str) -> tuple[int, dict | None]:
    line = request(f"GET {target} HTTP/1.1", "Connection: close")
    [response] = responses(exchange(server.port, line, end=False))
    return response


@pytest.mark.parametrize("target", MALFORMED)
def test_an_invalid_target_is_refused(server, target):
    status, problem = response_to(server, target)

    assert (status, problem["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("target", NOWHERE)
def test_a_path_that_only_resembles_a_route_is_not_found(server, target):
    line = request(f"GET {target} HTTP/1.1", "Accept: application/json", "Connection: close")

    head, _, body = exchange(server.port, line, end=False).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"\r\nx-frame-options: deny" in head.lower()
    if "admin" in target:
        assert b"<h1>" in body
    else:
        assert b'"code": "not_found"' in body


@pytest.mark.parametrize(
    "target",
    [
        *("/healthz", "/h%65althz", "/healthz?"),
        *("http://127.0.0.1/healthz", "HTTP://127.0.0.1/healthz"),
    ],
)
def test_equivalent_forms_of_a_target_reach_the_same_route(server, target):
    assert response_to(server, target) == (200, {"status": "ok"})


@pytest.mark.parametrize("spelling", ["a%2Fb", "a%2fb", "a/b"])
def test_the_idempotency_key_in_a_path_may_contain_a_slash(server, bearer, spelling):
    body = b'{"owner_name": "A", "currency": "USD"}'
    headers = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    line = "POST /accounts HTTP/1.1"
    opening = request(line, bearer, *headers, "Idempotency-Key: a/b", body=body)
    look_up = request(f"GET /idempotency-keys/{spelling} HTTP/1.1", bearer)

    [(opened, _), (status, found)] = responses(exchange(server.port, opening + look_up))

    assert (opened, status, found["key"]) == (201, 200, "a/b")
