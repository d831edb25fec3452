"""
PostgreSQL fails under the live service: 503 with Retry-After, nothing lost, and help from nobody.

The server is one of these tests' own, so that it can be restarted, filled up and crashed.
"""

import http.client
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress

import psycopg
import pytest

from events.webhooks.tests.receivers import answering, receiver
from ledger_project.server.tests.sockets import wait_until
from ledger_project.tests.fault_scene import AMOUNT, Answer, Scene
from ledger_project.tests.kill_victims import Mortal, PostgresService, running

CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = current_user AND pid <> pg_backend_pid()
"""
SESSIONS = """
    SELECT pid FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()
"""

# Fails as a full disk does, since it can't be filled here.
DISK_FULL = """
    CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
    END $$
"""


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
    """
    Return a function that makes the server stand still, until the test ends.

    The sessions do so, and the postmaster too, which would open new ones.
    """
    frozen: list[int] = []

    def stop_everything() -> None:
        for (pid,) in scene.service.query(SESSIONS):
            frozen.append(pid)
            os.kill(pid, signal.SIGSTOP)
        scene.service.postgres.signal(signal.SIGSTOP)

    yield stop_everything
    scene.service.postgres.signal(signal.SIGCONT)
    for pid in frozen:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_a_server_that_stands_still_is_503_and_is_found_again(scene, freeze):
    more = [str(uuid.uuid4()) for _ in range(40)]
    with ThreadPoolExecutor(len(more)) as threads:
        # So that several threads of the service have a connection.
        opened = list(threads.map(scene.client.deposit_in_the_end, more))
        freeze()
        answers = list(threads.map(scene.client.deposit, [scene.key] * len(more)))
    health = scene.client.get("/healthz")
    # The server opens new sessions again, while the old ones still stand.
    scene.service.postgres.signal(signal.SIGCONT)

    assert {answer.status for answer in opened} == {200}
    assert {answer.status for answer in answers} == {503}
    assert health.status == 200
    assert scene.client.deposit_in_the_end(scene.key).status == 200
    assert scene.balance() == AMOUNT * (len(more) + 1)


def test_deliveries_go_on_after_a_server_stood_still(scene, freeze, tmp_path):
    with receiver(answering(204)) as receiving:
        body = {"url": receiving.url, "account_ids": [scene.account], "events": ["transfer.posted"]}
        webhook = scene.client.post("/webhooks", body).json()["id"]
        command = [sys.executable, "manage.py", "deliver_webhooks"]
        log = tmp_path / "deliverer.log"
        with closing(Mortal(command, scene.service.server.environment, log)):
            scene.client.deposit_in_the_end(scene.key)
            wait_until(lambda: statuses(scene, webhook) == ["DELIVERED"])
            freeze()
            # As above. The process doesn't get a response from its old session any more.
            scene.service.postgres.signal(signal.SIGCONT)
            scene.client.deposit_in_the_end(str(uuid.uuid4()))
            wait_until(lambda: statuses(scene, webhook) == ["DELIVERED"] * 2)

    assert len(receiving.requests) == 2


def statuses(scene: Scene, webhook: str) -> list[str]:
    page = scene.client.in_the_end(lambda: scene.client.get(f"/webhooks/{webhook}/deliveries"))
    return [delivery["status"] for delivery in page.json()["items"]]


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
    "at the key and the answer": "TRIGGER fill_up BEFORE INSERT ON idempotency_idempotencykey",
    "at an account": "TRIGGER fill_up BEFORE UPDATE ON accounts_account",
    "at an entry": "TRIGGER fill_up BEFORE INSERT ON transfers_ledgerentry",
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
