"""A worker: an event loop for the connections, and threads for Django."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

import uvloop

from ledger_project.server.connection import Connection
from ledger_project.server.forwarded import TrustedProxies
from ledger_project.server.refusals import REFUSAL, busy
from ledger_project.server.threads import Answer, Application, Environ, Threads

# One more, and the connection that has waited longest for a request is closed.
CONNECTIONS = 1000
# Bodies of requests that are being read or wait.
BUFFERED_BYTES = 64 * 1024 * 1024
# How often the connections are asked whether they are late.
TICK_SECONDS = 1
# After which a worker that was told to stop ends, whatever is under way.
STOP_SECONDS = 14

# Needs neither the database nor a place in the queue.
HEALTH = "/healthz"


class Worker:
    """Serve the connections of one listening socket until told to stop."""

    def __init__(
        self,
        application: Application,
        listener: socket.socket,
        *,
        threads: int,
        proxies: TrustedProxies,
        largest_body: int,
    ) -> None:
        self._listener = listener
        self.proxies, self.largest_body = proxies, largest_body
        self._threads, self._reserve = Threads(application, threads), Threads(application, 1)
        self._loop = asyncio.get_running_loop()
        self._told_to_stop = asyncio.Event()
        self.buffered = 0
        self._connections: set[Connection] = set()
        self._connecting: set[asyncio.Task] = set()
        # Those that wait for their client, the longest first.
        self.waiting: dict[Connection, None] = {}

    async def serve(self) -> None:
        """Accept connections until told to stop, and end when they have ended, or soon after."""
        self._loop.add_reader(self._listener, self._accept)
        while not self.stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told_to_stop.wait(), TICK_SECONDS)
            self._look_round()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for connection in list(self._connections):
            connection.stop()
        end = self._loop.time() + STOP_SECONDS
        while self._connections and self._loop.time() < end:
            await asyncio.sleep(0.01)
            self._look_round()
        self._threads.end()
        self._reserve.end()

    def stop(self) -> None:
        """Accept nothing more; what is under way is answered."""
        self._told_to_stop.set()

    @property
    def stopping(self) -> bool:
        return self._told_to_stop.is_set()

    # ── Connections ──────────────────────────────────────────────────────────────────────────────

    def _accept(self) -> None:
        # One at a time, so that the other workers get their share of a burst.
        try:
            accepted, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError:
            # No more files may be open: the most patient connection makes room.
            return self._make_room()
        accepted.setblocking(False)
        connecting = self._loop.connect_accepted_socket(lambda: Connection(self), accepted)
        task = self._loop.create_task(connecting)
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _make_room(self) -> None:
        for connection in list(self.waiting)[:1]:
            connection.drop()

    def _look_round(self) -> None:
        for connection in list(self._connections):
            connection.look_at_clock()

    def arrived(self, connection: Connection) -> None:
        """Note a new connection; if there are too many, another one has to leave."""
        self._connections.add(connection)
        if len(self._connections) > CONNECTIONS:
            self._make_room()

    def left(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.waiting.pop(connection, None)

    # ── Requests ─────────────────────────────────────────────────────────────────────────────────

    def has_room(self, size: int) -> bool:
        """Whether ``size`` more bytes of bodies can be kept."""
        return self.buffered + size <= BUFFERED_BYTES

    async def answer(self, environ: Environ, body: bytes) -> Answer:
        """Run Django in a thread, as soon as one is free, and return its answer."""
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = BytesIO(body)
        if environ.get(REFUSAL) is None and environ["PATH_INFO"] != HEALTH:
            if self._threads.have_room():
                return await self._threads.answer(environ)
            environ[REFUSAL] = busy()
        return await self._reserve.answer(environ)


def run(make_worker: Callable[[], Worker], parent: int) -> None:
    """
    Run a worker in a process that was forked for it, and end the process.

    :param parent: the end of a pipe that closes when the supervisor ends
    """
    status = 1
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(make_worker, parent))
        status = 0
    finally:
        # Without waiting for a thread that waits for the database.
        os._exit(status)


async def _serve(make_worker: Callable[[], Worker], parent: int) -> None:
    loop, worker = asyncio.get_running_loop(), make_worker()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    loop.add_reader(parent, worker.stop)
    # The supervisor had them wait until now.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    await worker.serve()
