"""GET /openapi.json: built once, whoever asks first, and sent as small as the client can take."""

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
def test_many_at_once_are_answered_by_a_server_that_has_just_started(alice):
    paths = ["/openapi.json", "/docs", "/accounts", "/admin/login/"] * CLIENTS
    server = FreshServer()
    together = Barrier(len(paths), timeout=300)
    headers = {"Authorization": f"Bearer {AccessToken.for_user(alice)}"}

    def ask(path: str) -> tuple[str, int]:
        connection = http.client.HTTPConnection(HOST, server.port, timeout=300)
        together.wait()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return path, answer.status

    try:
        server.start()
        with ThreadPoolExecutor(len(paths)) as pool:
            answers = list(pool.map(ask, paths))
    finally:
        server.stop()

    assert answers == [(path, 200) for path in paths]


def test_it_is_the_document_that_the_code_describes(client):
    answer = client.get("/openapi.json")

    assert answer["Content-Type"] == "application/vnd.oai.openapi+json"
    assert answer.json() == DOCUMENT


def test_it_is_small_because_its_operations_share_what_they_have_in_common(client):
    committed = Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text()

    assert len(client.get("/openapi.json").content) < 200_000
    assert len(committed.splitlines()) < 4_000


def test_it_is_built_once(client):
    answers = [client.get("/openapi.json") for _ in range(3)]

    assert _built.cache_info().misses == 1
    assert len({answer["ETag"] for answer in answers}) == 1


@pytest.mark.parametrize(
    "accept", ["gzip", "br, gzip;q=0.5", "*", "deflate, GZIP", "br;q=1, *;q=0.1"]
)
def test_it_is_compressed_for_a_client_that_takes_gzip(client, accept):
    plain = client.get("/openapi.json")

    answer = client.get("/openapi.json", headers={"Accept-Encoding": accept})

    assert answer["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content) == plain.content
    assert len(answer.content) * 5 < len(plain.content)
    assert answer["Vary"] == plain["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "accept", ["", "identity", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *", "gzip;q=x"]
)
def test_it_is_sent_as_it_is_to_a_client_that_does_not(client, accept):
    answer = client.get("/openapi.json", headers={"Accept-Encoding": accept})

    assert "Content-Encoding" not in answer
    assert answer.json() == DOCUMENT


@pytest.mark.parametrize("accept", ["identity", "gzip"])
def test_a_client_that_has_it_already_is_told_so(client, accept):
    etag = client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})["ETag"]

    same = client.get(
        "/openapi.json", headers={"Accept-Encoding": accept, "If-None-Match": f'"other", {etag}'}
    )
    other = client.get("/openapi.json", headers={"If-None-Match": '"other"'})

    assert (same.status_code, same.content) == (304, b"")
    assert same["ETag"] == etag
    assert other.status_code == 200
