"""A body without a Content-Length is read, not taken for an empty one."""

import http.client
import json
import uuid
from datetime import timedelta

import pytest

from ledger_project.tests.live import HOST, LiveClient, live_server
from transfers.models import Transfer
from transfers.services import Order, hold

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_chunked_capture_takes_what_it_says_and_an_endless_body_is_refused(
    alice, bob, funded_account
):
    order = Order(
        source_id=funded_account(alice, balance=100).pk, dest_id=funded_account(bob).pk, amount=100
    )
    held = hold(order=order, expires_in=timedelta(days=1), actor=alice)

    with live_server() as server, LiveClient(server.port, bob) as client:
        connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
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
