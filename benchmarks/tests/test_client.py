"""The load generator that is used if wrk isn't installed."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from benchmarks.processes import ROOT

pytestmark = pytest.mark.one_database

HOLD = {"source_account_id": "1", "dest_account_id": "2", "amount": 1, "hold": True}


class Handler(BaseHTTPRequestHandler):
    """Answers like the ledger, and remembers the requests."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        self.server.received.append((self.path, key, body))
        self.server.hosts.add(self.headers["Host"])
        kind = "VOID" if self.path.endswith("/void") else "HOLD"
        number = len(self.server.received)
        answer = b'{"id":"%d","kind":"%s","hold_id":null}' % (number, kind.encode())
        self.send_response(201)
        if self.server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            answer = b"%x\r\n%s\r\n0\r\n\r\n" % (len(answer), answer)
        else:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.received, listening.hosts, listening.chunked = [], set(), False
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening
        listening.shutdown()


def load(server: HTTPServer, folder, method: str, line: str, token: str = "token") -> dict:
    (folder / "tokens").write_text(f"{token}\n")
    (folder / "requests").write_text(line + "\n")
    command = [sys.executable, "benchmarks/client.py", "--connections=1", "--seconds=2"]
    url = f"http://127.0.0.1:{server.server_port}"
    files = [folder / "tokens", folder / "requests"]
    ran = subprocess.run(
        [*command, url, method, *files, "key-"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    return json.loads(ran.stdout)


@pytest.mark.parametrize("chunked", [False, True])
def test_each_hold_is_voided_by_the_next_request(server, tmp_path, chunked):
    server.chunked = chunked
    printed = load(server, tmp_path, "HOLD", f"0\t/transfers\t\t{json.dumps(HOLD)}")

    received = server.received[: printed["requests"]]
    pairs = list(zip(received[::2], received[1::2], strict=False))
    assert len(pairs) > 0
    assert printed["not_2xx"] == 0
    for number, (hold, void) in enumerate(pairs):
        first = 2 * number + 1
        assert hold == ("/transfers", f"key-{first}", HOLD)
        assert void == (f"/transfers/{first}/void", f"key-{first + 1}", {})


def test_other_requests_are_repeated_as_they_are(server, tmp_path):
    printed = load(server, tmp_path, "POST", "0\t/transfers\treplayed\t{}")

    received = server.received[: printed["requests"]]
    assert len(received) > 0
    assert received == [("/transfers", "replayed", {})] * len(received)


def test_a_host_after_the_token_is_the_host_of_the_request(server, tmp_path):
    line = f"0\t/transfers\t\t{json.dumps(HOLD)}"
    load(server, tmp_path, "POST", line)
    assert server.hosts == {f"127.0.0.1:{server.server_port}"}
    server.hosts.clear()
    load(server, tmp_path, "POST", line, token="token\tnorth.example")
    assert server.hosts == {"north.example"}
