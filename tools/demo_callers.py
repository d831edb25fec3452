"""The callers of the demo, whose requests and responses are printed."""

import json
import os
import re
import subprocess
import sys
import uuid
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HOST, PORT = "127.0.0.1", os.environ.get("PORT", "8000")
URL = f"http://{HOST}:{PORT}"

ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

SAME_DATABASE = "Set LEDGER_DATABASE_URL as it is for the service, in the environment or in .env."

# The members of a response that are printed, and those of a request that aren't.
SHOWN = ["code", "id", "owner_name", "kind", "status", "amount", "balance", "held", "available"]
SHOWN += ["shortfall", "client_id", "scope"]
SECRETS = ("password", "client_secret")


class Unexpected(Exception):
    """The service isn't reachable, or a response isn't as expected."""


@dataclass(frozen=True)
class Answer:
    """A response of the service."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise Unexpected(f"the response is not JSON: {self.content[:80]!r}") from error


class Caller:
    """Somebody with a token, whose requests and responses are printed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.headers: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        return self.send("GET", path, None, expect=200)

    def post(
        self, path: str, body: dict[str, Any], *, expect: int, key: str | None = None
    ) -> Answer:
        return self.send("POST", path, body, expect=expect, key=key or str(uuid.uuid4()))

    def send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        *,
        expect: int | None,
        key: str | None = None,
    ) -> Answer:
        headers = self.headers | ({} if key is None else {"Idempotency-Key": key})
        show_request(self.name, method, path, body, key)
        answer = request(method, path, body, headers)
        show_answer(answer)
        if answer.status != expect is not None:
            reason = answer.body.get("detail", "no reason given")
            raise Unexpected(f"the response to {method} {path} was {answer.status}: {reason}")
        return answer


class Person(Caller):
    """A user who is logged in with a password."""

    def __init__(self, name: str, username: str, password: str) -> None:
        super().__init__(name)
        credentials = {"username": username, "password": password}
        answer = self.send("POST", "/auth/token", credentials, expect=None)
        if answer.status == 401:
            raise Unexpected(
                f"{URL} doesn't know {username}, whom manage.py created. {SAME_DATABASE}"
            )
        require(answer.status == 200, f"the response to the login was {answer.status}")
        self.headers["Authorization"] = f"Bearer {answer.body['access']}"


class Program(Caller):
    """A program with a token of a service key."""

    def __init__(self, name: str, key: dict[str, str]) -> None:
        super().__init__(name)
        grant = {part: key[part] for part in ("client_id", "client_secret")}
        grant |= {"grant_type": "client_credentials"}
        answer = self.send("POST", "/auth/token", grant, expect=200)
        self.headers["Authorization"] = f"Bearer {answer.body['access_token']}"


def make_people(*names: str) -> list[Person]:
    """Create users through manage.py, on the database of the service, and log them in."""
    usernames = [f"{name.lower()}-{uuid.uuid4().hex[:8]}" for name in names]
    command = [sys.executable, "manage.py", "seed_demo", "--users-only", *usernames]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if made.returncode:
        # Error messages are one or two lines. Of a traceback, the last line is shown.
        lines = made.stderr.strip().splitlines()
        reason = " ".join(lines[-1:] if "Traceback" in made.stderr else lines)
        raise Unexpected(f"manage.py could not make users. {reason} {SAME_DATABASE}")
    say("Two people log in.")
    passwords = dict(line.split() for line in made.stdout.splitlines())
    return [
        Person(name, username, passwords[username])
        for name, username in zip(names, usernames, strict=True)
    ]


def request(method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> Answer:
    """Send one request, without the proxy that may be configured in the environment."""
    content = None if body is None else json.dumps(body).encode()
    if content is not None:
        headers = {**headers, "Content-Type": "application/json"}
    connection = HTTPConnection(HOST, int(PORT), timeout=30)
    try:
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        lower = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lower, response.read())
    except (OSError, HTTPException) as error:
        raise Unexpected(f"no service at {URL} ({error}). Start it with `make run`.") from error
    finally:
        connection.close()


def require(holds: bool, otherwise: str) -> None:
    """Raise ``Unexpected`` unless the condition holds."""
    if not holds:
        raise Unexpected(otherwise)


def say(sentence: str) -> None:
    """Print a sentence about the next step."""
    print(f"\n{sentence}\n")


def show_request(
    name: str, method: str, path: str, body: dict[str, Any] | None, key: str | None
) -> None:
    """Print a request on one line, without its password or secret."""
    shown = {field: "…" if field in SECRETS else value for field, value in (body or {}).items()}
    text = json.dumps(shown, ensure_ascii=False) if shown else ""
    print(shorten(f"  {name} → {method} {path} {text}{f'  key {key}' if key else ''}").rstrip())


def show_answer(answer: Answer) -> None:
    """Print a response on one line: its status and some members of its body."""
    left_out = (None, answer.status)
    shown = {field: answer.body[field] for field in SHOWN if answer.body.get(field) not in left_out}
    text = "  ".join(f"{field}={value}" for field, value in shown.items())
    replayed = "  Idempotent-Replayed: true" if "idempotent-replayed" in answer.headers else ""
    print(shorten(f"      ← {answer.status}{replayed}  {text}").rstrip())


def shorten(line: str) -> str:
    """Shorten UUIDs to their ends, because they begin with the time and look alike."""
    return ID.sub(lambda match: f"…{match[0][-6:]}", line)
