"""
Run the example of the README against the running service, and check every response.

Run it with `make demo` or `python tools/demo.py`. The service must run on 127.0.0.1:$PORT (8000)
and use the database in LEDGER_DATABASE_URL or .env. The demo creates two users with random
passwords through manage.py. They and their accounts remain, because a ledger deletes nothing.
"""

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


def main() -> None:
    """Run the example once."""
    require(PORT.isascii() and PORT.isdigit(), f"PORT is not a number: {PORT}")
    answer = request("GET", "/readyz", None, {})
    if answer.status != 200:
        raise Unexpected(f"the service at {URL} is not ready: {answer.body['detail']}")
    ada, ben = make_people("Ada", "Ben")

    say("Each opens an account, and Ada deposits 100.00.")
    source = ada.post("/accounts", {"owner_name": "Ada"}, expect=201).body["id"]
    dest = ben.post("/accounts", {"owner_name": "Ben"}, expect=201).body["id"]
    answer = ada.post(
        f"/accounts/{source}/deposit", {"amount": 100_00, "memo": "Savings"}, expect=200
    )
    require(answer.body["balance"] == 100_00, "the deposit is not in the balance")

    transfer = send_once_and_again(ada, source, dest)
    refuse_an_overdraft(ada, source, dest)
    hold_and_capture(ada, ben, source, dest)

    say("Ben returns the first 25.00 with a reversal, because nothing is ever edited or deleted.")
    answer = ben.post(f"/transfers/{transfer}/reverse", {"memo": "Sent too much"}, expect=201)
    require(answer.body["reverses_id"] == transfer, "the reversal names another transfer")
    print_statement(ada, source)
    use_a_service_key(ada, source)


def send_once_and_again(ada: Person, source: str, dest: str) -> str:
    """Post a transfer, retry it with the same key, and return its id."""
    say("Ada sends Ben 25.00, loses the response, and sends the same request again.")
    order = {"source_account_id": source, "dest_account_id": dest, "amount": 25_00, "memo": "Lunch"}
    key = str(uuid.uuid4())
    first = ada.post("/transfers", order, expect=201, key=key)
    again = ada.post("/transfers", order, expect=201, key=key)
    require(
        "idempotent-replayed" not in first.headers
        and again.headers.get("idempotent-replayed") == "true",
        "the retry was not marked as a replay",
    )
    require(again.content == first.content, "the retry got another response")
    balance = ada.get(f"/accounts/{source}").body["balance"]
    require(balance == 75_00, f"the transfer was posted twice: the balance is {balance}")
    print(f"  The same {len(first.content)} bytes, and the money moved once.")
    return first.body["id"]


def refuse_an_overdraft(ada: Person, source: str, dest: str) -> None:
    """Try to send more than the account has."""
    say("Ada tries to send 500.00, which she doesn't have.")
    order = {"source_account_id": source, "dest_account_id": dest, "amount": 500_00}
    refusal = ada.post("/transfers", order, expect=409).body
    require(
        (refusal["code"], refusal["shortfall"]) == ("insufficient_funds", 425_00),
        f"the error is another one: {refusal}",
    )
    print(shorten(f"  {refusal['detail']}"))


def hold_and_capture(ada: Person, ben: Person, source: str, dest: str) -> None:
    """Hold 40.00, and capture 30.00 of it."""
    say("Ada places a hold of 40.00 for Ben, who captures 30.00. The rest is released.")
    order = {"source_account_id": source, "dest_account_id": dest, "amount": 40_00, "hold": True}
    held = ada.post("/transfers", order | {"memo": "Bike hire"}, expect=201).body
    require(
        (held["source"]["balance"], held["source"]["available"]) == (75_00, 35_00),
        "the hold did not reserve the money",
    )
    captured = ben.post(f"/transfers/{held['id']}/capture", {"amount": 30_00}, expect=201).body
    require(captured["dest"]["balance"] == 55_00, "the capture is not in Ben's balance")
    account = ada.get(f"/accounts/{source}").body
    require(
        (account["balance"], account["held"], account["available"]) == (45_00, 0, 45_00),
        "the rest of the hold was not released",
    )


def print_statement(ada: Person, source: str) -> None:
    """Print Ada's statement, oldest line first, and check each balance."""
    say("Ada's statement, in minor units.")
    lines = ada.get(f"/accounts/{source}/statement").body["items"][::-1]
    print(f"\n  {'#':>3}  {'time':<19}  {'memo':<14}{'debit':>10}{'credit':>10}{'balance':>10}")
    balance = 0
    for line in lines:
        debit = line["amount"] if line["type"] == "DEBIT" else 0
        credit = line["amount"] - debit
        balance += credit - debit
        require(balance == line["balance"], "a balance in the statement is wrong")
        print(
            f"  {line['sequence']:>3}  {line['ts'][:19]}  {line['ref'] or '':<14}"
            f"{debit:>10,}{credit:>10,}{balance:>10,}"
        )
    require((len(lines), balance) == (4, 70_00), "the statement doesn't show what happened")


def use_a_service_key(ada: Person, source: str) -> None:
    """Let a program read Ada's account until she revokes its key."""
    say("Ada gives her bookkeeping program a service key that may read, and nothing else.")
    key = ada.post("/service-keys", {"name": "Books", "scopes": ["accounts:read"]}, expect=201).body
    program = Program("Program", key)
    program.get(f"/accounts/{source}")
    refusal = program.post(f"/accounts/{source}/withdraw", {"amount": 1}, expect=403).body
    require(refusal["scope"] == "cash:write", "the error is another one")
    say("She revokes the key. The program's token ends at once.")
    ada.post(f"/service-keys/{key['client_id']}/revoke", {}, expect=200)
    program.send("GET", f"/accounts/{source}", None, expect=401)


# ── Requests ─────────────────────────────────────────────────────────────────────────────────────


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


if __name__ == "__main__":
    try:
        main()
    except Unexpected as error:
        sys.exit(f"\nThe demo stopped: {error}")
    except KeyError as error:
        sys.exit(f"\nThe demo stopped: a response lacks {error}")
    print("\nAll responses were as expected.")
