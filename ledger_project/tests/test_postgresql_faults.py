"""
PostgreSQL fails under the live service: 503 with Retry-After, nothing lost, and help from nobody.

The server is one of these tests' own, so that it can be restarted, filled up and crashed.
"""

import http.client
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass

import psycopg
import pytest

from ledger_project.tests.kill_victims import (
    PASSWORD,
    RECOVERY_SECONDS,
    USER,
    PostgresService,
    running,
)
from ledger_project.tests.live import LiveAnswer, LiveClient

AMOUNT = 5
LOCK = "SELECT 1 FROM accounts_account WHERE id = %s FOR UPDATE"
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = current_user AND pid <> pg_backend_pid()
"""
SESSIONS = """
    SELECT pid FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()
"""
WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted"

# Fails as a full disk does, since it can't be filled here.
DISK_FULL = """
    CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
    END $$
"""


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
        """Ask again as a client should, until there is an answer that stands."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                answer = self.deposit(key)
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
        return self.client.get(f"/accounts/{self.account}").json()["balance"]


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[PostgresService]:
    with running("postgresql", tmp_path_factory.mktemp("service"), seed=0) as service:
        yield service


@pytest.fixture
def scene(service) -> Scene:
    return Scene(service)


def assert_unavailable(answer: Answer) -> None:
    assert (answer.status, answer.retry_after) == (503, "1")
    assert answer.json()["code"] == "temporarily_unavailable"


def test_a_restart_between_requests_is_not_noticed(scene):
    keys = [str(uuid.uuid4()) for _ in range(20)]
    first = [scene.client.deposit(key).status for key in keys[:10]]

    scene.service.postgres.restart()
    second = [scene.client.deposit(key).status for key in keys[10:]]

    assert first + second == [200] * len(keys)
    assert scene.balance() == AMOUNT * len(keys)


def crash(service: PostgresService) -> None:
    service.postgres.kill()
    service.postgres.start_again()


@pytest.mark.parametrize(
    "blow",
    [
        pytest.param(lambda service: service.postgres.restart(), id="a restart"),
        pytest.param(crash, id="a crash"),
        pytest.param(lambda service: service.query(CUT), id="a cut connection"),
    ],
)
def test_a_connection_that_breaks_during_a_request_is_503(
    scene, blow: Callable[[PostgresService], object]
):
    with scene.deposit_that_waits() as sent:
        blow(scene.service)
        answer = sent.result()

    assert_unavailable(answer)
    scene.assert_nothing_happened()
    scene.assert_a_retry_has_one_effect()


def test_a_worker_that_dies_during_a_request_has_done_nothing(scene):
    with scene.deposit_that_waits() as sent:
        scene.service.server.kill_every_worker()
        failure = sent.exception()

    assert isinstance(failure, OSError | http.client.HTTPException)
    scene.assert_a_retry_has_one_effect()


def test_a_rival_that_holds_an_account_for_too_long_is_503(scene):
    with scene.deposit_that_waits() as sent:
        answer = sent.result()

    assert_unavailable(answer)
    scene.assert_nothing_happened()
    scene.assert_a_retry_has_one_effect()


def test_a_server_that_has_no_connection_left_is_503(scene):
    with ExitStack() as others:

        def take_every_slot() -> None:
            while True:
                others.enter_context(closing(psycopg.connect(scene.service.url)))

        scene.service.query(CUT)
        with pytest.raises(psycopg.OperationalError, match="connection slots"):
            take_every_slot()
        answer = scene.client.deposit(scene.key)

    assert_unavailable(answer)
    scene.assert_a_retry_has_one_effect()


@pytest.fixture
def freeze(scene) -> Iterator[Callable[[], None]]:
    """Return a function that makes every session of the server stand still, until the test ends."""
    frozen: list[int] = []

    def stop_every_session() -> None:
        for (pid,) in scene.service.query(SESSIONS):
            frozen.append(pid)
            os.kill(pid, signal.SIGSTOP)

    yield stop_every_session
    for pid in frozen:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_a_server_that_stands_still_is_503_and_is_found_again(scene, freeze):
    more = [str(uuid.uuid4()) for _ in range(40)]
    with ThreadPoolExecutor(len(more)) as threads:
        # So many at once that every thread of the service has a connection.
        opened = list(threads.map(scene.client.deposit, more))
        freeze()
        answers = list(threads.map(scene.client.deposit, [scene.key] * len(more)))
    health = scene.client.get("/healthz")

    assert {answer.status for answer in opened} == {200}
    assert {answer.status for answer in answers} <= {200, 503}
    assert 503 in {answer.status for answer in answers}
    assert health.status == 200
    assert scene.client.deposit_in_the_end(scene.key).status == 200
    assert scene.balance() == AMOUNT * (len(more) + 1)


@pytest.fixture
def let_it_write(scene) -> Iterator[Callable[[], None]]:
    """The database takes no writes, like a replica; what this returns lets it take them again."""

    def set_read_only(value: str) -> None:
        with psycopg.connect(scene.service.url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER DATABASE ledger SET default_transaction_read_only = {value}")
            connection.execute(CUT)

    try:
        set_read_only("on")
        yield lambda: set_read_only("off")
    finally:
        set_read_only("off")


def test_a_database_that_takes_no_writes_is_503_and_can_be_read(scene, let_it_write):
    answer = scene.client.deposit(scene.key)
    balance = scene.balance()
    let_it_write()

    assert_unavailable(answer)
    assert balance == 0
    scene.assert_nothing_happened()
    scene.assert_a_retry_has_one_effect()


TRIGGERS = {
    "at the claim of the key": "TRIGGER fill_up BEFORE INSERT ON idempotency_idempotencykey",
    "at an account": "TRIGGER fill_up BEFORE UPDATE ON accounts_account",
    "at an entry": "TRIGGER fill_up BEFORE INSERT ON transfers_ledgerentry",
    "at the answer": "TRIGGER fill_up BEFORE UPDATE ON idempotency_idempotencykey",
    "at the commit": "CONSTRAINT TRIGGER fill_up AFTER INSERT ON transfers_transfer"
    " DEFERRABLE INITIALLY DEFERRED",
}


@pytest.fixture
def fill_the_disk(scene) -> Iterator[Callable[[str], Callable[[], None]]]:
    """Return a function that fills the disk for a statement; it returns what frees it again."""

    def run(sql: str) -> None:
        with psycopg.connect(scene.service.url, autocommit=True) as connection:
            connection.execute(sql)

    def fill(trigger: str) -> Callable[[], None]:
        run(DISK_FULL)
        run(f"CREATE {trigger} FOR EACH ROW EXECUTE FUNCTION disk_full()")
        return free

    def free() -> None:
        run("DROP FUNCTION IF EXISTS disk_full CASCADE")

    yield fill
    free()


@pytest.mark.parametrize("where", TRIGGERS)
def test_a_full_disk_is_503(scene, fill_the_disk, where):
    free = fill_the_disk(TRIGGERS[where])
    answer = scene.client.deposit(scene.key)
    free()

    assert_unavailable(answer)
    scene.assert_nothing_happened()
    scene.assert_a_retry_has_one_effect()
