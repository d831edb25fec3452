"""What a script of another site may ask, and read, of this service (Fetch standard, CORS)."""

import http.client
from collections.abc import Iterator

import pytest

from ledger_project.tests.live import HOST, FreshServer, LiveServer

APP = "https://app.example"
ASKED = {
    "Origin": APP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,x-request-id",
}
EXPOSED = {"content-disposition", "idempotent-replayed", "location", "retry-after", "x-request-id"}


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """The service for two sites. Nothing here asks its database."""
    server = FreshServer(LEDGER_CORS_ORIGINS=f"{APP},http://localhost:3000")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def ask(server: LiveServer, method: str, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Return the status of an answer, and its headers by their names in lower case."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=180)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def listed(value: str) -> set[str]:
    return {word.strip().lower() for word in value.split(",")}


def granted(headers: dict[str, str]) -> set[str]:
    return {name for name in headers if name.startswith("access-control-")}


@pytest.mark.parametrize("path", ["/transfers", "/accounts", "/auth/token", "/healthz", "/nothing"])
@pytest.mark.parametrize("origin", [APP, "http://localhost:3000"])
def test_a_preflight_is_answered_before_the_token_and_the_route_are_looked_at(server, path, origin):
    status, headers = ask(server, "OPTIONS", path, **{**ASKED, "Origin": origin})

    assert status == 200
    assert headers["access-control-allow-origin"] == origin
    assert listed(headers["access-control-allow-methods"]) == {"get", "post", "patch"}
    assert listed(headers["access-control-allow-headers"]) == listed(
        ASKED["Access-Control-Request-Headers"]
    )
    assert "access-control-allow-credentials" not in headers
    assert "origin" in listed(headers["vary"])


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/accounts", 401), ("/nothing", 404)]
)
def test_a_script_of_a_named_origin_may_read_every_answer_and_what_it_needs_of_the_headers(
    server, path, status
):
    answered, headers = ask(server, "GET", path, Origin=APP)

    assert answered == status
    assert headers["access-control-allow-origin"] == APP
    assert listed(headers["access-control-expose-headers"]) == EXPOSED
    assert "access-control-allow-credentials" not in headers
    assert "origin" in listed(headers["vary"])


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://app.example", f"{APP}:8443", f"{APP}.evil", "null"]
)
def test_a_script_of_another_origin_may_read_nothing(server, origin):
    _, preflight = ask(server, "OPTIONS", "/transfers", **{**ASKED, "Origin": origin})
    _, answer = ask(server, "GET", "/healthz", Origin=origin)

    assert granted(preflight) == granted(answer) == set()
    assert "origin" in listed(answer["vary"])


@pytest.mark.parametrize("path", ["/admin/login/", "/metrics"])
def test_no_script_of_another_site_may_read_the_admin_or_the_metrics(server, path):
    _, headers = ask(server, "GET", path, Origin=APP)

    assert granted(headers) == set()


def test_options_without_the_headers_of_a_preflight_stay_a_method_that_no_route_has(server):
    status, headers = ask(server, "OPTIONS", "/healthz", Origin=APP)

    assert status == 405
    assert headers["access-control-allow-origin"] == APP


def test_nothing_is_granted_unless_an_origin_is_named(client):
    preflight = client.options("/healthz", headers=ASKED)
    answer = client.get("/healthz", headers={"Origin": APP})

    assert preflight.status_code == 405
    assert granted({name.lower(): value for name, value in preflight.headers.items()}) == set()
    assert granted({name.lower(): value for name, value in answer.headers.items()}) == set()
    assert "Vary" not in answer
