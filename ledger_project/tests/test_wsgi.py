"""Who is believed about where a request comes from."""

import importlib
import json
from http import HTTPStatus

import pytest
from django.test import RequestFactory

from ledger_project import wsgi

# The application opens and closes its connections itself, as on a server.
pytestmark = pytest.mark.django_db(transaction=True)

PROXY, STRANGER = "10.1.2.3", "203.0.113.9"
CLIENTS = ("198.51.100.1", "198.51.100.2")


@pytest.fixture
def start(settings):
    """Return a function that starts the application with these proxies trusted."""

    def start_trusting(*proxies):
        settings.TRUSTED_PROXIES = list(proxies)
        return importlib.reload(wsgi).application

    yield start_trusting
    settings.TRUSTED_PROXIES = []
    importlib.reload(wsgi)


def send(application, request):
    """Return the status of the answer that the application gives to a server."""
    statuses = []
    application(request.environ, lambda status, headers: statuses.append(status)).close()
    return HTTPStatus(int(statuses[0].split()[0]))


def is_taken_for_https(application, address, **headers):
    request = RequestFactory(REMOTE_ADDR=address).get("/healthz", headers=headers)
    # What isn't https is redirected.
    return send(application, request) == HTTPStatus.OK


def log_in_from(application, address, forwarded_for, name):
    body = json.dumps({"username": name, "password": "wrong"})
    request = RequestFactory(REMOTE_ADDR=address).post(
        "/auth/token",
        body,
        content_type="application/json",
        headers={"X-Forwarded-For": forwarded_for},
    )
    return send(application, request)


@pytest.mark.parametrize(
    ("trusted", "address", "believed"),
    [
        ([], PROXY, False),
        ([PROXY], PROXY, True),
        (["10.0.0.0/8"], PROXY, True),
        (["192.0.2.1", "10.0.0.0/8"], PROXY, True),
        ([PROXY], STRANGER, False),
        (["10.0.0.0/8"], STRANGER, False),
    ],
)
def test_x_forwarded_proto_is_believed_of_trusted_proxies_only(
    start, settings, trusted, address, believed
):
    settings.SECURE_SSL_REDIRECT = True
    application = start(*trusted)
    headers = {"X-Forwarded-For": CLIENTS[0]}

    as_https = is_taken_for_https(application, address, **headers, **{"X-Forwarded-Proto": "https"})
    as_http = is_taken_for_https(application, address, **headers, **{"X-Forwarded-Proto": "http"})

    assert (as_https, as_http) == (believed, False)


def test_x_forwarded_for_tells_the_clients_of_a_trusted_proxy_apart(start, settings):
    settings.LOGIN_RATE = "1/minute"
    application = start("10.0.0.0/8")

    statuses = [
        log_in_from(application, PROXY, client, name=f"user-{number}")
        for number, client in enumerate([*CLIENTS, CLIENTS[0]])
    ]

    assert statuses == [401, 401, 429]


@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8"]])
def test_x_forwarded_for_does_not_hide_a_stranger(start, settings, trusted):
    settings.LOGIN_RATE = "1/minute"
    application = start(*trusted)

    statuses = [
        log_in_from(application, STRANGER, client, name=f"user-{number}")
        for number, client in enumerate(CLIENTS)
    ]

    assert statuses == [401, 429]


def test_what_a_client_itself_claims_to_be_forwarded_for_is_not_believed(start, settings):
    settings.LOGIN_RATE = "1/minute"
    application = start("10.0.0.0/8")

    statuses = [
        log_in_from(application, PROXY, f"{claimed}, {STRANGER}, 10.9.9.9", name=claimed)
        for claimed in CLIENTS
    ]

    assert statuses == [401, 429]
