"""A live service whose PostgreSQL can be made to fail, and a client that retries."""

import http.client
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from ledger_project.tests.kill_victims import (
    PASSWORD,
    RECOVERY_SECONDS,
    USER,
    PostgresService,
)
from ledger_project.tests.live import LiveAnswer, LiveClient

AMOUNT = 5


LOCK = "SELECT 1 FROM accounts_account WHERE id = %s FOR UPDATE"


WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted"


@dataclass(frozen=True)
class Answer(LiveAnswer):
    """An answer that also says when to come again."""

    retry_after: str | None


class Client(LiveClient):
    """A client that deposits, each time over a connection of its own."""

    def __init__(self, service: PostgresService, token: str, account: str) -> None:
        super().__init__(service.server.port)
        self.headers["Authorization"] = token
        self.path = f"/accounts/{account}/deposit"

    def deposit(self, key: str) -> Answer:
        return self.post(self.path, {"amount": AMOUNT}, key)

    def deposit_in_the_end(self, key: str) -> Answer:
        """Deposit, and retry as a client should until the response is final."""
        return self.in_the_end(lambda: self.deposit(key))

    def in_the_end(self, send: Callable[[], Answer]) -> Answer:
        """Send a request until its response is neither lost nor one that asks for a retry."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                answer = send()
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None and answer.status not in (409, 503):
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)

    def _send(self, method: str, path: str, body: str | None, headers: dict) -> Answer:
        connection = http.client.HTTPConnection(self.connection.host, self.connection.port, 30)
        try:
            connection.request(method, path, body, {**self.headers, **headers})
            answer = connection.getresponse()
            replayed = answer.getheader("Idempotent-Replayed") == "true"
            return Answer(answer.status, replayed, answer.read(), answer.getheader("Retry-After"))
        finally:
            connection.close()


class Scene:
    """A service with an account, on which rivals can sit."""

    def __init__(self, service: PostgresService) -> None:
        self.service = service
        with LiveClient(service.server.port) as client:
            body = {"username": USER, "password": PASSWORD}
            token = f"Bearer {client.post('/auth/token', body).json()['access']}"
            client.headers["Authorization"] = token
            self.account = client.post("/accounts", {"owner_name": "account"}).json()["id"]
        self.client, self.key = Client(service, token, self.account), str(uuid.uuid4())

    @contextmanager
    def deposit_that_waits(self) -> Iterator[Future]:
        """Send a deposit that waits for a rival's lock, whatever happens until the block ends."""
        with ThreadPoolExecutor(1) as thread, self._locked():
            sent = thread.submit(self.client.deposit, self.key)
            deadline = time.monotonic() + RECOVERY_SECONDS
            while not self.service.query(WAITING):
                assert time.monotonic() < deadline, "nobody waits for the lock"
                time.sleep(0.01)
            yield sent

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # By a prepared transaction: its lock survives its session, and a restart. Of two sessions
        # the rival's might be ended first, and the deposit be done before it is its turn.
        with psycopg.connect(self.service.url, autocommit=True) as rival:
            rival.execute("BEGIN")
            rival.execute(LOCK, [self.account])
            rival.execute("PREPARE TRANSACTION 'rival'")
        try:
            yield
        finally:
            with psycopg.connect(self.service.url, autocommit=True) as rival:
                rival.execute("ROLLBACK PREPARED 'rival'")

    def assert_nothing_happened(self) -> None:
        assert self.balance() == 0
        assert self.client.get(f"/idempotency-keys/{self.key}").status == 404

    def assert_a_retry_has_one_effect(self) -> None:
        """Nobody has to help: the same key is answered in the end, once."""
        answer = self.client.deposit_in_the_end(self.key)
        again = self.client.deposit_in_the_end(self.key)
        assert (answer.status, answer.replayed) == (200, False)
        assert (again.status, again.replayed, again.content) == (200, True, answer.content)
        assert self.balance() == AMOUNT
        assert self.service.manage("verify_ledger", "--json").returncode == 0

    def balance(self) -> int:
        path = f"/accounts/{self.account}"
        return self.client.in_the_end(lambda: self.client.get(path)).json()["balance"]
