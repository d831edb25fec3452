"""A chunked body, without a Content-Length, is read and not treated as empty."""

import http.client
import json
import socket
import uuid
from datetime import timedelta

import pytest

from ledger_project.tests.live import HOST, LiveClient, live_server
from transfers.models import Transfer
from transfers.services import Order, hold

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held(alice, bob, funded_account) -> Transfer:
    """A hold of 100 from alice to bob."""
    source, dest = funded_account(alice, balance=100), funded_account(bob)
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=100)
    return hold(order=order, expires_in=timedelta(days=1), actor=alice)


def test_a_chunked_capture_is_carried_out_and_an_endless_body_is_refused(bob, held):
    with live_server() as server, LiveClient(server.port, bob) as client:
        connection = http.client.HTTPConnection(HOST, server.port, timeout=120)
        headers = {**client.headers, "Idempotency-Key": str(uuid.uuid4())}
        path = f"/transfers/{held.pk}/capture"
        connection.request("POST", path, iter([b'{"amount"', b": 10}"]), headers)
        captured = json.loads(connection.getresponse().read())
        headers["Idempotency-Key"] = str(uuid.uuid4())
        connection.request("POST", path, iter([b" " * 100_000] * 20), headers)
        refused = connection.getresponse()
        refusal = json.loads(refused.read())
        connection.close()

    assert (captured["kind"], captured["amount"]) == ("CAPTURE", 10)
    assert (refused.status, refusal["code"]) == (413, "payload_too_large")
    assert Transfer.objects.filter(hold=held).count() == 1


BROKEN_BODIES = [b"", b"c\r\n", b'9\r\n{"amount"\r\n', b"zz\r\n{}\r\n0\r\n\r\n"]


@pytest.mark.one_database  # The request is refused before the database is used.
def test_an_interrupted_chunked_body_is_not_treated_as_empty(bob, held):
    def send(port: int, client: LiveClient, key: str, body: bytes) -> bytes:
        headers = {**client.headers, "Idempotency-Key": key, "Transfer-Encoding": "chunked"}
        lines = [f"POST /transfers/{held.pk}/capture HTTP/1.1", f"Host: {HOST}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with socket.create_connection((HOST, port), timeout=120) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    with live_server() as server, LiveClient(server.port, bob) as client:
        responses = [
            send(server.port, client, f"broken-{number}", body)
            for number, body in enumerate(BROKEN_BODIES)
        ]
        kept = [client.get(f"/idempotency-keys/broken-{n}").status for n in range(len(responses))]

    # A client that has disconnected may get no response.
    assert {response[:12] for response in responses} <= {b"HTTP/1.1 400", b""}
    assert kept == [404] * len(BROKEN_BODIES)
    assert not Transfer.objects.filter(hold=held).exists()
