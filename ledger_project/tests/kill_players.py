"""The clients of a kill run. They retry each operation until it is decided."""

import http.client
import random
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ledger_project.tests.kill_victims import PASSWORD, RECOVERY_SECONDS, USER, Service
from ledger_project.tests.live import LiveAnswer, LiveClient

RESENT = 0.2
# In seconds. Longer than the service lets a request wait.
ANSWER_SECONDS = 15
# In seconds. Access tokens are valid for 5 minutes. Keys belong to the user, not to the token.
TOKEN_SECONDS = 120
# The expected errors. "Not found" isn't one: it would mean that an acknowledged transfer was lost.
REFUSALS = {"insufficient_funds", "hold_already_resolved", "already_reversed"}


@dataclass(frozen=True)
class Operation:
    """One request of a client, with the key for all its attempts."""

    path: str
    kind: str
    amount: int
    body: dict[str, Any]
    key: str = field(default_factory=lambda: str(uuid.uuid4()))


class Tokens:
    """The access token that all clients share. It is renewed before it expires."""

    def __init__(self, port: int) -> None:
        self.port, self.token, self.until = port, "", 0.0
        self.lock = threading.Lock()

    def current(self) -> str:
        with self.lock:
            if time.monotonic() > self.until:
                with LiveClient(self.port) as client:
                    client.connection.timeout = ANSWER_SECONDS
                    body = {"username": USER, "password": PASSWORD}
                    response = client.post("/auth/token", body)
                if response.status != 200:
                    raise ConnectionError("no token now")
                self.token = f"Bearer {response.json()['access']}"
                self.until = time.monotonic() + TOKEN_SECONDS
            return self.token


class Run(Protocol):
    """The attributes of a run that its players use."""

    service: Service
    tokens: Tokens
    accounts: list[str]
    stopping: threading.Event
    deadline: float

    def violation(self, what: str) -> None: ...


class Player:
    """One client, with its own random generator."""

    def __init__(self, run: Run, seed: str) -> None:
        self.run, self.dice = run, random.Random(seed)
        self.client = LiveClient(run.service.server.port)
        self.client.connection.timeout = ANSWER_SECONDS
        self.holds: list[tuple[str, int]] = []
        self.posted: list[tuple[str, int]] = []
        self.recent: deque[tuple[Operation, LiveAnswer]] = deque(maxlen=50)
        self.acknowledged: dict[str, tuple[str, int]] = {}
        self.figures: Counter[str] = Counter()

    def play(self) -> None:
        with self.client:
            while not self.run.stopping.is_set():
                self.do(self.dice.choices(*self._choices())[0]())
                if self.dice.random() < RESENT and self.recent:
                    self.send_again(*self.dice.choice(self.recent))

    def do(self, operation: Operation) -> dict[str, Any] | None:
        """Send an operation until it is decided, and record the response."""
        self.figures["operations"] += 1
        response = self.resolve(operation)
        if response is None:
            return None
        self.recent.append((operation, response))
        self.figures["answers found by a retry"] += response.replayed
        document = response.json()
        if response.status >= 400:
            self.figures["refused"] += 1
            if document["code"] not in REFUSALS:
                self.run.violation(f"unexpected error for {operation.kind}: {document['code']}")
            return None
        self.figures["acknowledged"] += 1
        known = document.get("transfer_id") or document["id"]
        if operation.kind != "account":
            self.acknowledged[known] = (operation.kind, operation.amount)
        if operation.kind == "HOLD":
            self.holds.append((known, operation.amount))
        elif operation.kind == "TRANSFER":
            self.posted.append((known, operation.amount))
        return document

    def send_again(self, operation: Operation, first: LiveAnswer) -> None:
        again = self.resolve(operation)
        if again is not None:
            self.figures["sent again"] += 1
            expected = (first.status, True, first.content)
            if (again.status, again.replayed, again.content) != expected:
                self.run.violation(f"a replay of {operation.kind} diverged")

    def resolve(self, operation: Operation) -> LiveAnswer | None:
        while time.monotonic() < self.run.deadline:
            self.figures["attempts"] += 1
            try:
                self.client.headers["Authorization"] = self.run.tokens.current()
                response = self.client.post(operation.path, operation.body, operation.key)
            except (OSError, http.client.HTTPException):
                self.figures["no response"] += 1
            else:
                if response.status in (200, 201, 404) or self._is_decided(response):
                    return response
                self.figures["told to come again"] += 1
                if response.status not in (409, 503):
                    self.run.violation(f"unexpected status for {operation.kind}: {response.status}")
            time.sleep(self.dice.uniform(0.01, 0.1))
        self.run.violation(f"{operation.kind} was not resolved in {RECOVERY_SECONDS} s")
        return None

    def _is_decided(self, response: LiveAnswer) -> bool:
        return response.status == 409 and response.json()["code"] != "idempotency_in_progress"

    def _choices(self) -> tuple[list[Callable[[], Operation]], list[int]]:
        kinds = [self._transfer, self._deposit, self._hold]
        kinds += [self._capture] if self.holds else []
        kinds += [self._reversal] if self.posted else []
        return kinds, [6, 2, 2, 1, 1][: len(kinds)]

    def _deposit(self) -> Operation:
        amount, account = self.dice.randint(1, 2_000), self.dice.choice(self.run.accounts)
        return Operation(f"/accounts/{account}/deposit", "DEPOSIT", amount, {"amount": amount})

    def _transfer(self, kind: str = "TRANSFER", **more: Any) -> Operation:
        source, dest = self.dice.sample(self.run.accounts, 2)
        amount = self.dice.randint(1, 2_000)
        body = {"source_account_id": source, "dest_account_id": dest, "amount": amount, **more}
        return Operation("/transfers", kind, amount, body)

    def _hold(self) -> Operation:
        return self._transfer("HOLD", hold=True)

    def _capture(self) -> Operation:
        # Holds and transfers stay in the list, so that some are captured or reversed twice.
        held, amount = self.dice.choice(self.holds)
        amount = self.dice.randint(1, amount)
        return Operation(f"/transfers/{held}/capture", "CAPTURE", amount, {"amount": amount})

    def _reversal(self) -> Operation:
        posted, amount = self.dice.choice(self.posted)
        return Operation(f"/transfers/{posted}/reverse", "REVERSAL", amount, {})
