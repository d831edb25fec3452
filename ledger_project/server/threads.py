"""The threads that run Django, and their queue."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, BinaryIO

from django.db import close_old_connections

# The number of requests that may wait for a thread, and for how many seconds.
QUEUE = 100
QUEUE_SECONDS = 10
# A client may close its side and still read the response. After waiting longer than this for a
# thread, a client that has closed its side is assumed to have disconnected. In seconds.
ABANDONED_SECONDS = 1

Environ = dict[str, Any]
Application = Callable[[Environ, Callable], Iterable[bytes]]


@dataclass(frozen=True)
class Response:
    """Django's response. Its body is bytes, or an open file to be sent and then closed."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes | BinaryIO


@dataclass(eq=False)
class _Job:
    environ: Environ
    # None if the request wasn't carried out.
    response: asyncio.Future[Response | None]
    since: float
    is_gone: Callable[[], bool] | None

    def is_abandoned(self) -> bool:
        """Return whether the client seems to have disconnected while it waited."""
        waited = time.monotonic() - self.since
        return self.is_gone is not None and waited > ABANDONED_SECONDS and self.is_gone()


class Threads:
    """
    Run a WSGI application in ``count`` threads, which live as long as the process.

    A request goes to the thread that became idle last. The others don't take part until more
    requests arrive at once, and a thread without a request never opens its database connection.

    Python's own executor takes several times as long to hand over a call, and waits for its threads
    when the process exits.
    """

    def __init__(self, application: Application, count: int) -> None:
        self._application = application
        self._loop = asyncio.get_running_loop()
        self._lock = Lock()
        # Jobs in order of arrival, while all threads are busy. Whoever takes one out settles it.
        self._waiting: OrderedDict[_Job, None] = OrderedDict()
        # The inboxes of the idle threads, in the order in which they became idle.
        self._idle: list[SimpleQueue[_Job]] = [SimpleQueue() for _ in range(count)]
        # Daemon threads, so that a database that doesn't respond can't block the process's exit.
        for inbox in self._idle.copy():
            Thread(target=self._work, args=[inbox], daemon=True).start()

    @property
    def waiting(self) -> int:
        """The number of requests that are waiting for a thread."""
        return len(self._waiting)

    async def run(self, environ: Environ, is_gone: Callable[[], bool] | None) -> Response | None:
        """
        Run the application and return its response, or None if the request wasn't carried out.

        A request isn't carried out if ``QUEUE`` requests are waiting already, if no thread is free
        within ``QUEUE_SECONDS``, or if its client has disconnected in the meantime.

        :param is_gone: returns whether the client has closed its side, and is called in a thread.
            None for a request that is carried out even if the client disconnects.
        """
        if self.waiting >= QUEUE:
            return None
        job = self._enqueue(environ, is_gone)
        # A timer enforces the deadline, because all threads may be busy for longer.
        deadline = self._loop.call_later(QUEUE_SECONDS, self._give_up, job)
        try:
            return await job.response
        finally:
            deadline.cancel()

    async def run_unconditionally(self, environ: Environ) -> Response:
        """Run the application and return its response, however long the queue is."""
        response = await self._enqueue(environ, None).response
        assert response is not None
        return response

    def _enqueue(self, environ: Environ, is_gone: Callable[[], bool] | None) -> _Job:
        job = _Job(environ, self._loop.create_future(), time.monotonic(), is_gone)
        with self._lock:
            if self._idle:
                self._idle.pop().put(job)
            else:
                self._waiting[job] = None
        return job

    def _be_free(self, inbox: SimpleQueue[_Job]) -> None:
        """Put the first job that waits into the inbox of a thread, or let the thread be idle."""
        with self._lock:
            if self._waiting:
                job, _ = self._waiting.popitem(last=False)
                inbox.put(job)
            else:
                self._idle.append(inbox)

    def _give_up(self, job: _Job) -> None:
        with self._lock:
            if job not in self._waiting:
                return
            del self._waiting[job]
        _settle(job.response.set_result, None)

    def _work(self, inbox: SimpleQueue[_Job]) -> None:
        while True:
            self._carry_out(inbox.get(), inbox)

    def _carry_out(self, job: _Job, inbox: SimpleQueue[_Job]) -> None:
        try:
            response = None if job.is_abandoned() else call(self._application, job.environ)
        except BaseException as error:
            self._hand_over(inbox, job.response.set_exception, error)
        else:
            self._hand_over(inbox, job.response.set_result, response)

    def _hand_over(
        self, inbox: SimpleQueue[_Job], settle: Callable[[Any], None], outcome: Any
    ) -> None:
        # First, so that the next request of the client finds this thread idle.
        self._be_free(inbox)
        self._loop.call_soon_threadsafe(_settle, settle, outcome)


def _settle(settle: Callable[[Any], None], outcome: Any) -> None:
    # The future is cancelled if the worker had to stop.
    with suppress(asyncio.InvalidStateError):
        settle(outcome)


def call(application: Application, environ: Environ) -> Response:
    """Call a WSGI application and return its whole response. A file is returned open."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    result: Any = application(environ, lambda status, headers: started.append((status, headers)))
    if isinstance(result, environ["wsgi.file_wrapper"]) and _has_length(started[0][1]):
        # The request ends when the file is closed, in another thread, which can't tell whether the
        # connection of this thread is still usable.
        close_old_connections()
        return Response(*started[0], result.filelike)
    try:
        return Response(*started[0], b"".join(result))
    finally:
        result.close()


def _has_length(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-length" for name, _ in headers)
