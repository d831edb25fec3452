"""What scripts of other sites may send to and read from the service (CORS, Fetch standard)."""

import http.client
from collections.abc import Iterator

import pytest

from ledger_project.tests.live import HOST, FreshServer, LiveServer

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

APP = "https://app.example"
OTHERS = [
    "http://localhost:3000",
    "https://127.0.0.1:8443",
    "https://[::1]",
    "https://[2001:db8::ffff]:8443",
    "https://app.example.",
    "https://xn--bcher-kva.example",
    "capacitor://localhost",
    "chrome-extension://abcdefgh",
]
ASKED = {
    "Origin": APP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,x-request-id",
}
EXPOSED = {"content-disposition", "idempotent-replayed", "location", "retry-after", "x-request-id"}


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[LiveServer]:
    """The server, which allows some origins. It doesn't start without its database."""
    server = FreshServer(LEDGER_CORS_ORIGINS=",".join([APP, *OTHERS]))
    try:
        server.start()
        yield server
    finally:
        server.stop()


def ask(server: LiveServer, method: str, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Return the status of a response, and its headers by lower-case name."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=180)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def listed(value: str) -> set[str]:
    return {word.strip().lower() for word in value.split(",")}


def granted(headers: dict[str, str]) -> set[str]:
    return {name for name in headers if name.startswith("access-control-")}


@pytest.mark.parametrize("path", ["/transfers", "/accounts", "/auth/token", "/healthz", "/nothing"])
@pytest.mark.parametrize("origin", [APP, *OTHERS])
def test_a_preflight_request_needs_neither_a_token_nor_a_known_route(server, path, origin):
    status, headers = ask(server, "OPTIONS", path, **{**ASKED, "Origin": origin})

    assert status == 200
    assert headers["access-control-allow-origin"] == origin
    assert listed(headers["access-control-allow-methods"]) == {"get", "post", "patch", "delete"}
    assert listed(headers["access-control-allow-headers"]) == listed(
        ASKED["Access-Control-Request-Headers"]
    )
    assert "access-control-allow-credentials" not in headers
    assert "origin" in listed(headers["vary"])


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/accounts", 401), ("/nothing", 404)]
)
def test_a_script_of_an_allowed_origin_can_read_every_response_and_the_exposed_headers(
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
def test_a_script_of_another_origin_can_read_nothing(server, origin):
    _, preflight = ask(server, "OPTIONS", "/transfers", **{**ASKED, "Origin": origin})
    _, response = ask(server, "GET", "/healthz", Origin=origin)

    assert granted(preflight) == granted(response) == set()
    assert "origin" in listed(response["vary"])


@pytest.mark.parametrize("path", ["/admin/login/", "/metrics"])
def test_no_script_of_another_site_can_read_the_admin_or_the_metrics(server, path):
    _, headers = ask(server, "GET", path, Origin=APP)

    assert granted(headers) == set()


def test_an_options_request_that_is_not_a_preflight_is_405(server):
    status, headers = ask(server, "OPTIONS", "/healthz", Origin=APP)

    assert status == 405
    assert headers["access-control-allow-origin"] == APP


def test_no_cors_headers_are_sent_if_no_origin_is_configured(client):
    preflight = client.options("/healthz", headers=ASKED)
    response = client.get("/healthz", headers={"Origin": APP})

    assert preflight.status_code == 405
    assert granted({name.lower(): value for name, value in preflight.headers.items()}) == set()
    assert granted({name.lower(): value for name, value in response.headers.items()}) == set()
    assert "Vary" not in response
