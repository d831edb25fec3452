"""Workers that die are replaced, and stopping the service leaves no process behind."""

import http.client
import json
import os
import resource
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count

import psutil
import pytest
from django.conf import settings
from django.db import transaction

from accounts.models import Account
from ledger_project.server.tests.sockets import PATIENCE, wait_until
from ledger_project.tests.live import LiveClient, LiveServer, live_server

pytestmark = pytest.mark.django_db(transaction=True)


def deposit_with_retries(server: LiveServer, user, account: Account, key: str) -> int:
    """Send a deposit until it gets a response, like a client that retries lost connections."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with (
            LiveClient(server.port, user) as client,
            suppress(OSError, http.client.HTTPException),
        ):
            return client.post(f"/accounts/{account.pk}/deposit", {"amount": 1}, key).status
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_workers_that_are_killed_again_and_again_are_replaced(alice, funded_account):
    account = funded_account(alice)
    with live_server() as server:
        for number in range(15):
            # The workers are killed as soon as they have started.
            wait_until(lambda: len(server.workers()) == 2)
            for worker in server.workers():
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            assert deposit_with_retries(server, alice, account, f"key-{number}") == 200
        wait_until(lambda: len(server.workers()) == 2)
        assert server.process.poll() is None

    account.refresh_from_db()
    assert account.balance == 15
    assert server.process.returncode == 0


@pytest.mark.one_database
def test_workers_generate_distinct_ids(alice, funded_account):
    account = funded_account(alice)
    with live_server("--workers", "4", "--threads", "2") as server:

        def deposit(number: int) -> str:
            with LiveClient(server.port, alice) as client:
                path = f"/accounts/{account.pk}/deposit"
                return client.post(path, {"amount": 1}).json()["transfer_id"]

        with ThreadPoolExecutor(8) as clients:
            ids = list(clients.map(deposit, range(40)))

    assert len(set(ids)) == 40


@pytest.mark.one_database
def test_a_worker_that_cannot_start_does_not_end_the_service(alice, tmp_path):
    server = LiveServer(LEDGER_LOG_LEVEL="ERROR")
    with (tmp_path / "stderr").open("wb") as server.stderr:
        try:
            server.start()
            wait_until(lambda: len(server.workers()) == 2)
            one_file_left = first_free_descriptor(server.process.pid)
            _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (one_file_left, hard))
            os.kill(server.workers()[0], signal.SIGKILL)
            wait_until(lambda: b"exited with code 3" in (tmp_path / "stderr").read_bytes())
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
            wait_until(lambda: len(server.workers()) == 2)

            with LiveClient(server.port, alice) as client:
                assert client.get("/accounts").status == 200
        finally:
            server.stop()
    assert server.process.returncode == 0


def first_free_descriptor(process: int) -> int:
    """Return the lowest unused file descriptor of a process."""
    taken = {int(name) for name in os.listdir(f"/proc/{process}/fd")}
    return next(number for number in count() if number not in taken)


# Each with whether it is sent to the workers too, as a terminal does.
SIGNALS = [
    (signal.SIGTERM, False),
    (signal.SIGINT, False),
    (signal.SIGINT, True),
    (signal.SIGQUIT, False),
    (signal.SIGQUIT, True),
    (signal.SIGHUP, False),
    (signal.SIGHUP, True),
]


@pytest.mark.parametrize(("number", "to_all"), SIGNALS)
def test_a_request_in_progress_is_answered_before_the_service_stops(
    alice, funded_account, number, to_all
):
    account = funded_account(alice)
    with live_server() as server, ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            Account.objects.locked(account.pk)
            sent = thread.submit(deposit_with_retries, server, alice, account, "key")
            workers = [psutil.Process(each) for each in server.workers()]
            wait_until(lambda: serves(workers))
            for process in [*workers, server.process] if to_all else [server.process]:
                process.send_signal(number)
            wait_until(lambda: not any(listening(each) for each in workers))
        # It gets a 503 if it waited for the lock for too long.
        assert sent.result() in (200, 503)
        assert server.process.wait(PATIENCE) == 0


IGNORED = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU, signal.SIGWINCH]


@pytest.mark.one_database
def test_the_signals_that_gunicorn_knows_change_nothing(transactional_db):
    with live_server() as server:
        for number in IGNORED:
            wait_until(lambda: len(server.workers()) == 2)
            killed, kept = server.workers()
            server.process.send_signal(number)
            # Signals are handled in order, so the first one was handled once this worker is
            # replaced.
            os.kill(killed, signal.SIGKILL)
            wait_until(
                lambda killed=killed: len(server.workers()) == 2 and killed not in server.workers()
            )

            assert kept in server.workers(), number


@pytest.mark.one_database
def test_a_stopping_worker_closes_its_socket_only_once(transactional_db, tmp_path):
    log = tmp_path / "stderr"
    server = LiveServer("--workers", "1", LEDGER_LOG_LEVEL="INFO")
    with log.open("wb") as server.stderr:
        server.start()
        server.stop()

    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert "Shutting down" in events
    assert [each for each in events if "closing socket" in each] == []


def serves(workers: list[psutil.Process]) -> bool:
    """Return whether a client is connected to one of the workers."""
    return any(each.net_connections("tcp")[1:] for each in workers)


def listening(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return any(each.status == psutil.CONN_LISTEN for each in process.net_connections("tcp"))
    return False


class HastyServer(LiveServer):
    """A server that cuts off the requests in progress after 5 seconds instead of 14."""

    def command(self) -> list[str]:
        python, _, *arguments = super().command()
        hurry = (
            "import runpy; from ledger_project.server import supervisor;"
            " supervisor.STOP_SECONDS, supervisor.KILL_SECONDS = 5, 7;"
            " runpy.run_module('ledger_project', run_name='__main__', alter_sys=True)"
        )
        # The first argument is the name of the module.
        return [python, "-c", hurry, *arguments[1:]]


def test_a_blocked_request_does_not_keep_the_service_from_stopping(alice, funded_account):
    account = funded_account(alice)
    server = HastyServer()
    try:
        server.start()
        with ThreadPoolExecutor(1) as thread, transaction.atomic():
            Account.objects.locked(account.pk)
            with LiveClient(server.port, alice) as client:
                path = f"/accounts/{account.pk}/deposit"
                sent = thread.submit(lambda: client.post(path, {"amount": 1}))
                workers = [psutil.Process(each) for each in server.workers()]
                wait_until(lambda: serves(workers))
                server.process.terminate()
                assert server.process.wait(PATIENCE) == 0
                # The request waited for the lock for too long, or its connection was closed.
                if (lost := sent.exception()) is None:
                    assert sent.result().status == 503
                else:
                    assert isinstance(lost, (OSError, http.client.HTTPException))
    finally:
        server.stop()


@pytest.mark.one_database
def test_workers_exit_when_the_supervisor_is_killed(transactional_db):
    with live_server() as server:
        workers = [psutil.Process(each) for each in server.workers()]
        server.process.kill()
        server.process.wait()
        _, alive = psutil.wait_procs(workers, timeout=PATIENCE)

    assert (len(workers), alive) == (2, [])


@pytest.mark.one_database
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_service_can_be_stopped_while_it_starts(transactional_db, number, workers):
    server = LiveServer()
    server.process = subprocess.Popen(
        server.command(),
        cwd=settings.BASE_DIR,
        env=server.environment,
        stderr=subprocess.DEVNULL,
        # A shell ignores it for what it runs in the background, such as a whole run of the tests.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        # Before it listens, it may have children that aren't workers: imports run subprocesses.
        wait_until(lambda: workers == 0 or listening(psutil.Process(server.process.pid)))
        wait_until(lambda: len(server.workers()) >= workers)
        children = [psutil.Process(each) for each in server.workers()]
        server.process.send_signal(number)

        # Before the server runs, the signal terminates the process by its default action.
        assert server.process.wait(PATIENCE) in ((0,) if workers else (0, 1, -number))
        assert [child for child in children if child.is_running()] == []
    finally:
        server.process.kill()
        server.process.wait()
