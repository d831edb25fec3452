"""The real server on the database of the tests, and clients with real connections."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Any, Self
from urllib.parse import quote

import psutil
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from rest_framework_simplejwt.tokens import AccessToken

HOST = "127.0.0.1"
# In seconds. Longer than anything takes on a busy machine.
PATIENCE = 300


def database_url() -> str:
    """Return the URL of the tests' database."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    user, password = quote(database["USER"]), quote(database["PASSWORD"])
    place = f"{database['HOST']}:{database['PORT']}"
    return f"postgresql://{user}:{password}@{place}/{quote(database['NAME'])}"


@contextmanager
def live_server(*options: str, **environment: str) -> Iterator["LiveServer"]:
    """Run the server as ``make run`` does, with additional options, until the block ends."""
    server = LiveServer(*options, **environment)
    try:
        server.start()
        yield server
    finally:
        server.stop()


class LiveServer:
    """A server process with its workers, on a free port of this machine."""

    def __init__(self, *options: str, **environment: str) -> None:
        self.options = options
        self.stderr: IO[bytes] | None = None
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ledger_project.settings",
            "LEDGER_DATABASE_URL": database_url(),
            "LEDGER_SECRET_KEY": settings.SECRET_KEY,
            "LEDGER_JWT_SIGNING_KEY": settings.JWT_SIGNING_KEY,
            "LEDGER_LOG_LEVEL": "CRITICAL",
            **environment,
        }

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command(),
            cwd=settings.BASE_DIR,
            env=self.environment,
            stderr=self.stderr,
        )
        self.wait_until_ready()

    def command(self) -> list[str]:
        """Return the command that starts the server."""
        return [
            sys.executable,
            "-m",
            "ledger_project",
            "--port",
            str(self.port),
            *self.options,
        ]

    def workers(self) -> list[int]:
        """Return the process ids of the current workers, the children of the supervisor."""
        with suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(self.process.pid).children()]
        return []

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with LiveClient(self.port) as client, suppress(OSError):
                if client.get("/readyz").status == 200:
                    return
            time.sleep(0.1)
        raise TimeoutError("the server didn't become ready")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


class FreshServer(LiveServer):
    """A server that accepts connections but hasn't received a request yet."""

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(OSError), socket.create_connection((HOST, self.port), timeout=PATIENCE):
                return
            time.sleep(0.05)
        raise TimeoutError("the server did not come up")


@dataclass(frozen=True)
class LiveAnswer:
    """A response: the status, whether it was replayed, and the body."""

    status: int
    replayed: bool
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


class LiveClient:
    """A client with one keep-alive connection, logged in if ``user`` is given."""

    def __init__(self, port: int, user: User | None = None) -> None:
        self.connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
        self.headers = {"Content-Type": "application/json"}
        if user is not None:
            token = AccessToken.for_user(user)
            # A test may take longer than the five minutes for which a token is valid.
            token.set_exp(lifetime=timedelta(days=1))
            self.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.close()

    def get(self, path: str) -> LiveAnswer:
        return self._send("GET", path, None, {})

    def post(self, path: str, body: Any = None, key: str | None = None) -> LiveAnswer:
        """
        Send a POST request.

        :raises OSError: or ``http.client.HTTPException`` if there was no response
        """
        key = key or str(uuid.uuid4())
        return self._send("POST", path, json.dumps(body or {}), {"Idempotency-Key": key})

    def _send(self, method: str, path: str, body: str | None, headers: dict) -> LiveAnswer:
        try:
            self.connection.request(method, path, body, {**self.headers, **headers})
            response = self.connection.getresponse()
            replayed = response.getheader("Idempotent-Replayed") == "true"
            return LiveAnswer(response.status, replayed, response.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
