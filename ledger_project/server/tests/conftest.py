"""Fixtures: a worker in the process of the tests, on a real socket and with the real Django."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from rest_framework_simplejwt.tokens import AccessToken

from events.news import poll
from ledger_project.ledgers.polling import in_its_ledger
from ledger_project.server.forwarded import TrustedProxies
from ledger_project.server.front import Front
from ledger_project.server.refusals import REFUSAL
from ledger_project.server.supervisor import Server, configuration, listen
from ledger_project.server.tests.sockets import PATIENCE, request
from ledger_project.server.threads import Application
from ledger_project.tests.live import HOST, LiveServer, live_server

BODY = b'{"amount":1}'


@dataclass
class RunningWorker:
    """A worker that runs in a thread until it is stopped."""

    listener: socket.socket
    application: Application = field(default_factory=WSGIHandler)
    threads: int = 8
    proxies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.port = self.listener.getsockname()[1]
        self.front = Front(
            self.application,
            threads=self.threads,
            proxies=TrustedProxies(self.proxies),
            poll=in_its_ledger(poll),
        )
        config = configuration(self.front)
        self.server = Server(config, self.front)
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=[config.get_loop_factory()])
        self._thread.start()
        self._started.wait()

    def _run(self, loop_factory) -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.front.start()
        self._started.set()
        await self.server.serve(sockets=[self.listener])

    @property
    def connections(self) -> set:
        """The open connections."""
        return self.server.server_state.connections

    def stop(self) -> None:
        """Stop the worker as SIGTERM does, and wait until it has stopped."""
        self.server.should_exit = True
        self._thread.join()


@pytest.fixture
def start(transactional_db, monkeypatch) -> Iterator:
    """Return a function that starts a worker, which is stopped at the end of the test."""
    # The worker's threads outlive the test, and an open session would prevent the database from
    # being dropped. So each request opens and closes its own connection.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    workers = []

    def start_worker(**options) -> RunningWorker:
        workers.append(RunningWorker(listen(HOST, 0), **options))
        return workers[-1]

    yield start_worker
    for worker in workers:
        worker.stop()


@pytest.fixture
def server(start) -> RunningWorker:
    """A worker with the default options."""
    return start()


@pytest.fixture(scope="module")
def live(django_db_setup) -> Iterator[LiveServer]:
    """The server as ``make run`` starts it, shared by all tests of a module."""
    with live_server() as server:
        yield server


@pytest.fixture
def bearer(alice) -> str:
    """The Authorization header of alice."""
    return f"Authorization: Bearer {AccessToken.for_user(alice)}"


@pytest.fixture
def deposit(alice, bearer, funded_account):
    """Return a function that builds the request for a deposit with an idempotency key."""
    account = funded_account(alice)

    def make(key: str) -> bytes:
        line = f"POST /accounts/{account.pk}/deposit HTTP/1.1"
        headers = ("Content-Type: application/json", f"Content-Length: {len(BODY)}")
        return request(line, bearer, *headers, f"Idempotency-Key: {key}", body=BODY)

    make.account = account
    return make


class Gate:
    """The application, which blocks requests whose path ends with ``path`` until it is opened."""

    def __init__(self) -> None:
        self.path = "/deposit"
        self.arrived, self._open = 0, threading.Event()
        # The paths of the requests that reached the application without being refused, in order.
        self.begun: list[str] = []
        self._django = WSGIHandler()

    def __call__(self, environ, start_response):
        if REFUSAL not in environ:
            self.begun.append(environ["PATH_INFO"])
            if environ["PATH_INFO"].endswith(self.path):
                self.arrived += 1
                assert self._open.wait(PATIENCE)
        return self._django(environ, start_response)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()
