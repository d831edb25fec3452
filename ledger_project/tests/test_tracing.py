"""Traces: what is exported to a collector by a real server, and that nothing is by default."""

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ledger_project.tests.live import LiveClient, LiveServer, live_server

pytestmark = pytest.mark.django_db(transaction=True)

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """A collector of OTLP over HTTP on this machine, which keeps what it receives."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding") == "gzip"
                bodies.append(gzip.decompress(body) if packed else body)
                self.send_response(200 if self.path == "/v1/traces" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def spans(self) -> list[Any]:
        found = []
        for body in self.bodies:
            for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
                named = {a.key: a.value.string_value for a in of_process.resource.attributes}
                assert named["service.name"] == "mini-ledger"
                found += [span for scope in of_process.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    yield collector
    collector.server.shutdown()
    thread.join()
    collector.server.server_close()


def values(span: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }


def test_a_request_and_its_statements_are_exported_without_secrets(
    alice, funded_account, collector, tmp_path
):
    account = funded_account(alice)
    path, key = f"/accounts/{account.pk}/deposit", "a-key-that-stays-secret"
    options = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "LEDGER_LOG_LEVEL": "INFO"}
    server = LiveServer("--workers", "1", **options)
    with (tmp_path / "log").open("wb") as server.stderr:
        server.start()
        try:
            with LiveClient(server.port, alice) as client:
                client.headers |= {
                    "traceparent": f"00-{TRACE}-{CALLER}-01",
                    "X-Request-ID": "the-traced-one",
                }
                body = {"amount": 4711, "memo": "a memo that stays secret"}
                answer = client.post(path, body, key)
                client.post(path, {"amount": 4711, "memo": "another"}, key)
        finally:
            # Exports what wasn't exported yet.
            server.stop()

    assert answer.status == 200
    spans = [span for span in collector.spans() if span.trace_id.hex() == TRACE]
    deposited, refused = [span for span in spans if span.parent_span_id.hex() == CALLER]
    statements = [span for span in spans if span.parent_span_id == deposited.span_id]
    assert deposited.name == "POST /accounts/{account_id}/deposit"
    assert values(deposited) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/accounts/{account_id}/deposit",
        "ledger.request_id": "the-traced-one",
        "ledger.replayed": False,
    }
    assert values(refused)["error.type"] == "idempotency_key_reused"
    assert {values(span)["db.system.name"] for span in statements} == {connection.vendor}
    assert [span.name for span in statements if "INSERT" in values(span)["db.query.text"]] != []
    exported = b"".join(collector.bodies)
    for secret in (key, "stays secret", "4711", str(account.pk), client.headers["Authorization"]):
        assert secret.encode() not in exported
    assert f'"trace_id": "{TRACE}"' in (tmp_path / "log").read_text()


UNSET = """
import django
django.setup()
from django.conf import settings
from django.test import Client
assert Client().get("/healthz").status_code == 200
import sys
print([name for name in sys.modules if name.startswith("opentelemetry")], settings.TRACES)
"""


@pytest.mark.one_database
def test_without_the_variable_nothing_of_opentelemetry_is_imported():
    done = subprocess.run(
        [sys.executable, "-c", UNSET],
        cwd=settings.BASE_DIR,
        env={
            "DJANGO_SETTINGS_MODULE": "ledger_project.test_settings",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[] False\n"


def test_requests_go_on_while_the_collector_is_down(alice):
    # Nothing listens on the discard port (RFC 863).
    options = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with (
        live_server("--workers", "1", **options) as server,
        LiveClient(server.port, alice) as client,
    ):
        statuses = [client.get("/accounts").status for _ in range(3)]

    assert statuses == [200] * 3
    assert server.process.returncode == 0
