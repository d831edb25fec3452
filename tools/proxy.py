"""
Test deploy/nginx.conf with the nginx of this machine, in front of the real server.

Run it with `make proxy`. It isn't part of `make test`, because pip can't install nginx. The exit
status is 1 if a check fails.
"""

import json
import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST, NAME = "127.0.0.1", "ledger.example.com"
PATIENCE = 60


def main() -> int:
    """Run all checks through the proxy, and print the results."""
    if not (nginx := shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")):
        print("nginx isn't installed. Run: apt-get install nginx-light", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="ledger-proxy-") as name,
        served(Path(name), nginx) as server,
    ):
        wrong = [what for what, right in findings() if not report(what, right)]
        server.terminate()
        server.wait()
        wrong += [what for what, right in findings_without_ledger() if not report(what, right)]
    return 1 if wrong else 0


def findings() -> Iterator[tuple[str, bool]]:
    """Yield what the configuration must do, and whether it does."""
    status, head, _ = ask("GET /docs", tls=False)
    yield "http is redirected to https", status == 301 and f"Location: https://{NAME}/docs" in head
    status, head, _ = ask("GET /healthz")
    yield "https requests are not redirected again", status == 200
    yield "https responses have an HSTS header", "strict-transport-security: " in head.lower()
    # Each login claims another client address.
    login = json.dumps({"username": "nobody", "password": "wrong"}).encode()
    line, json_type = "POST /auth/token", "Content-Type: application/json"
    statuses = [
        ask(line, json_type, f"X-Forwarded-For: 203.0.113.{n}", body=login)[0] for n in range(15)
    ]
    yield "logins are counted by the address that nginx sees", 429 in statuses
    status, _, body = ask(line, json_type, "Content-Length: 209715200")
    yield (
        "the ledger refuses a large body by its Content-Length",
        status == 413 and json.loads(body)["code"] == "payload_too_large",
    )
    status, _, _ = ask("GET /healthz", "Idempotency_Key: a")
    yield "a header with an underscore is not passed on", status == 200


def findings_without_ledger() -> Iterator[tuple[str, bool]]:
    """Yield what nginx must do while the ledger doesn't run, and whether it does."""
    status, head, body = ask("GET /healthz")
    yield (
        "if the ledger doesn't run, the response is a problem document",
        status == 503 and is_problem(head, body, "temporarily_unavailable"),
    )
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: ask("GET /healthz"), range(400)))
    refused = [
        is_problem(head, body, "throttled") for status, head, body in answers if status == 429
    ]
    yield "too many requests are refused with a problem document", bool(refused) and all(refused)


def is_problem(head: str, body: bytes, code: str) -> bool:
    """Return whether a response is a problem document with Retry-After."""
    lines = head.lower().split("\r\n")
    wanted = {"content-type: application/problem+json", "retry-after: 1"}
    return wanted <= set(lines) and json.loads(body)["code"] == code


def report(what: str, right: bool) -> bool:
    print(f"{'ok   ' if right else 'WRONG'} {what}", flush=True)
    return right


def ask(line: str, *headers: str, body: bytes = b"", tls: bool = True) -> tuple[int, str, bytes]:
    """Send a request, and return the status, the head and the body of the response."""
    lines = [f"{line} HTTP/1.1", f"Host: {NAME}", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection((HOST, PORTS["443" if tls else "80"]), PATIENCE) as plain:
        connection = UNVERIFIED.wrap_socket(plain) if tls else plain
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    head, _, content = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), content


@contextmanager
def served(folder: Path, nginx: str) -> Iterator[subprocess.Popen]:
    """Run nginx in front of the server with a new SQLite file, and yield the server's process."""
    env = {
        **os.environ,
        "LEDGER_DATABASE_URL": f"sqlite:///{folder}/proxy.db",
        "LEDGER_SECRET_KEY": secrets.token_urlsafe(48),
        "LEDGER_JWT_SIGNING_KEY": secrets.token_urlsafe(48),
        "LEDGER_LOG_LEVEL": "CRITICAL",
        "LEDGER_HTTPS": "true",
        "LEDGER_ALLOWED_HOSTS": NAME,
        "LEDGER_TRUSTED_PROXIES": HOST,
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    server = [sys.executable, "-m", "ledger_project", "--port", str(PORTS["8000"])]
    commands = [server, [nginx, "-c", str(configured(folder)), "-p", str(folder)]]
    processes = [subprocess.Popen(command, cwd=ROOT, env=env) for command in commands]
    try:
        for port in PORTS.values():
            wait_for(port)
        yield processes[0]
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def configured(folder: Path) -> Path:
    """Write the configuration for free ports and a new certificate, and return its path."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", f"/CN={NAME}", "-days", "1", "-keyout", str(key), "-out", str(certificate)]
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject]
    subprocess.run(openssl, check=True, stderr=subprocess.DEVNULL)
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    text = re.sub(r"listen \[::\].*\n", "", text)
    text = re.sub(r"listen (\d+)", lambda found: f"listen {HOST}:{PORTS[found[1]]}", text)
    text = text.replace(f"{HOST}:8000", f"{HOST}:{PORTS['8000']}")
    text = re.sub(r"(ssl_certificate +)\S+;", rf"\1{certificate};", text)
    text = re.sub(r"(ssl_certificate_key +)\S+;", rf"\1{key};", text)
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{text}}}\n"
    )
    return path


def wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection((HOST, port)):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


PORTS = {port: free_port() for port in ("80", "443", "8000")}
# The certificate is self-signed.
UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname, UNVERIFIED.verify_mode = False, ssl.CERT_NONE

if __name__ == "__main__":
    sys.exit(main())
