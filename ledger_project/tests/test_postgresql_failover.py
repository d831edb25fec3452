"""
The primary dies under the live service, which goes on with the standby and is never restarted.

With a synchronous standby nothing is lost that was acknowledged. With an asynchronous one it is,
and only the client's own list shows it.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from ledger_project.server.tests.sockets import wait_until
from ledger_project.tests.failovers import WAITING, FailoverRun, FailoverService
from ledger_project.tests.fault_scene import AMOUNT, Answer, Scene
from ledger_project.tests.kill_run import CLIENTS

# pytest prints it if the test fails, so that the same operations can be repeated.
SEED = random.SystemRandom().randrange(2**32)

CANCEL = f"SELECT pg_cancel_backend(pid) FROM ({WAITING}) AS waiting"
WAITS_FOR_STANDBY = "The database's synchronous standby doesn't confirm commits."


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[FailoverService]:
    with closing(FailoverService(tmp_path_factory.mktemp("service"), seed=0)) as service:
        service.start()
        yield service


@pytest.fixture
def scene(service) -> Iterator[Scene]:
    """A service with a synchronous standby that has been cut off."""
    service.add_standby(synchronous=True)
    try:
        scene = Scene(service)
        service.cut_off()
        yield scene
    finally:
        service.remove_standby()


def assert_unavailable(answer: Answer) -> None:
    assert (answer.status, answer.retry_after) == (503, "1")
    assert answer.json()["code"] == "temporarily_unavailable"


def test_a_failover_to_a_synchronous_standby_loses_and_repeats_nothing(tmp_path):
    with closing(FailoverService(tmp_path, SEED)) as service:
        service.start()
        service.add_standby(synchronous=True)
        run = FailoverRun(service, SEED)

        report = run()

    print(report, f"writes were back after {run.took:.1f} s", sep="\n")
    assert report.violations == {}, SEED
    assert report.figures["acknowledged"] >= 2 * run.ROUNDS * CLIENTS
    assert report.figures["sent again"] > 0
    assert report.figures["events read"] > 0


def test_a_failover_to_an_asynchronous_standby_loses_what_only_the_list_of_the_client_shows(
    service,
):
    service.add_standby(synchronous=False)
    scene = Scene(service)

    def deposited(key: str) -> str:
        answer = scene.client.deposit(key)
        assert answer.status == 200
        return answer.json()["transfer_id"]

    keys = [str(uuid.uuid4()) for _ in range(10)]
    acknowledged = [deposited(key) for key in keys[:5]]
    service.cut_off()
    acknowledged += [deposited(key) for key in keys[5:]]
    service.fail()
    service.promote()
    audit = service.manage("verify_ledger")
    found = [_status(scene, transfer) for transfer in acknowledged]
    again = [scene.client.deposit_in_the_end(key) for key in keys]

    assert audit.returncode == 0
    assert found == [200] * 5 + [404] * 5
    # A retry with the same key brings them back.
    assert [answer.replayed for answer in again] == [True] * 5 + [False] * 5
    assert scene.balance() == AMOUNT * len(keys)


def _status(scene: Scene, transfer: str) -> int:
    return scene.client.in_the_end(lambda: scene.client.get(f"/transfers/{transfer}")).status


def test_a_write_that_the_standby_does_not_confirm_is_503_and_is_replayed_once_it_does(scene):
    answer = scene.client.deposit(scene.key)
    again = scene.client.deposit(scene.key)
    readable = scene.balance()
    ready = scene.client.get("/readyz")
    waited = _commit_wait(scene)
    scene.service.reconnect()

    assert_unavailable(answer)
    assert (again.status, again.retry_after) == (409, "1")
    assert again.json()["code"] == "idempotency_in_progress"
    assert readable == 0
    assert (ready.status, ready.json()["detail"]) == (503, WAITS_FOR_STANDBY)
    assert waited > 0
    wait_until(lambda: scene.client.get("/readyz").status == 200)
    wait_until(lambda: _commit_wait(scene) == 0)
    settled = scene.client.deposit_in_the_end(scene.key)
    assert (settled.status, settled.replayed) == (200, True)
    assert scene.balance() == AMOUNT


def _commit_wait(scene: Scene) -> float:
    lines = scene.client.get("/metrics").content.decode().splitlines()
    [figure] = [line for line in lines if line.startswith("ledger_commit_wait_seconds ")]
    return float(figure.split()[1])


def test_a_commit_in_doubt_is_503_and_a_retry_after_the_failover_has_one_effect(scene):
    with ThreadPoolExecutor(1) as thread:
        sent = thread.submit(scene.client.deposit, scene.key)
        wait_until(lambda: scene.service.query(WAITING) != [])
        scene.service.fail()
        answer = sent.result()
    scene.service.promote()

    assert_unavailable(answer)
    assert scene.client.in_the_end(lambda: scene.client.get("/readyz")).status == 200
    scene.assert_nothing_happened()
    scene.assert_a_retry_has_one_effect()


def test_a_commit_whose_wait_for_the_standby_is_canceled_is_never_acknowledged(scene):
    first = canceled(scene, lambda: scene.client.deposit(scene.key))
    again = canceled(scene, lambda: scene.client.deposit(scene.key))
    looked_up = canceled(scene, lambda: scene.client.get(f"/idempotency-keys/{scene.key}"))
    visible = scene.balance()
    scene.service.fail()
    scene.service.promote()

    for answer in (first, again, looked_up):
        assert_unavailable(answer)
    # The primary had committed it, but the standby never received it.
    assert visible == AMOUNT
    scene.assert_nothing_happened()
    scene.assert_a_retry_has_one_effect()


def canceled(scene: Scene, send: Callable[[], Answer]) -> Answer:
    """Send a request while an administrator cancels every session that waits for the standby."""
    with ThreadPoolExecutor(1) as thread:
        sent = thread.submit(send)
        while not sent.done():
            scene.service.query(CANCEL)
            time.sleep(0.02)
        return sent.result()
