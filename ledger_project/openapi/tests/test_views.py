"""``GET /openapi.json``: built once, compressed if the client accepts it, with an ETag."""

import gzip
import http.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.conf import settings
from rest_framework_simplejwt.tokens import AccessToken

from ledger_project.openapi.tests.test_autoschema import DOCUMENT
from ledger_project.openapi.views import _built
from ledger_project.tests.live import HOST, FreshServer

CLIENTS = 8


@pytest.mark.django_db(transaction=True)
def test_a_server_that_has_just_started_handles_many_simultaneous_requests(alice):
    paths = ["/openapi.json", "/docs", "/accounts", "/admin/login/"] * CLIENTS
    server = FreshServer()
    together = Barrier(len(paths), timeout=300)
    headers = {"Authorization": f"Bearer {AccessToken.for_user(alice)}"}

    def get(path: str) -> tuple[str, int]:
        connection = http.client.HTTPConnection(HOST, server.port, timeout=300)
        together.wait()
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        return path, response.status

    try:
        server.start()
        with ThreadPoolExecutor(len(paths)) as pool:
            responses = list(pool.map(get, paths))
    finally:
        server.stop()

    assert responses == [(path, 200) for path in paths]


def test_the_served_document_is_the_generated_one(client):
    response = client.get("/openapi.json")

    assert response["Content-Type"] == "application/vnd.oai.openapi+json"
    assert response.json() == DOCUMENT


def test_the_document_is_small_because_operations_share_components(client):
    committed = Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text()

    assert len(client.get("/openapi.json").content) < 200_000
    assert len(committed.splitlines()) < 4_000


def test_the_document_is_built_once(client):
    responses = [client.get("/openapi.json") for _ in range(3)]

    assert _built.cache_info().misses == 1
    assert len({response["ETag"] for response in responses}) == 1


@pytest.mark.parametrize(
    "accept", ["gzip", "br, gzip;q=0.5", "*", "deflate, GZIP", "br;q=1, *;q=0.1"]
)
def test_the_document_is_compressed_if_the_client_accepts_gzip(client, accept):
    plain = client.get("/openapi.json")

    response = client.get("/openapi.json", headers={"Accept-Encoding": accept})

    assert response["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.content) == plain.content
    assert len(response.content) * 5 < len(plain.content)
    assert response["Vary"] == plain["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "accept", ["", "identity", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *", "gzip;q=x"]
)
def test_the_document_is_not_compressed_otherwise(client, accept):
    response = client.get("/openapi.json", headers={"Accept-Encoding": accept})

    assert "Content-Encoding" not in response
    assert response.json() == DOCUMENT


@pytest.mark.parametrize(
    "precondition",
    [{"If-Match": '"other"'}, {"If-Unmodified-Since": "Fri, 01 Jan 1999 00:00:00 GMT"}],
)
def test_a_precondition_of_a_write_is_ignored(client, precondition):
    response = client.get("/openapi.json", headers=precondition)

    assert (response.status_code, response.json()) == (200, DOCUMENT)


@pytest.mark.parametrize("accept", ["identity", "gzip"])
def test_a_client_with_the_current_etag_receives_304(client, accept):
    etag = client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})["ETag"]

    same = client.get(
        "/openapi.json", headers={"Accept-Encoding": accept, "If-None-Match": f'"other", {etag}'}
    )
    other = client.get("/openapi.json", headers={"If-None-Match": '"other"'})

    assert (same.status_code, same.content) == (304, b"")
    assert same["ETag"] == etag
    assert other.status_code == 200
