"""The threads in which Django runs, and the queue in front of them."""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, BinaryIO

# Requests that wait for a thread, and for how long at most.
QUEUE = 100
QUEUE_SECONDS = 10
# A client may close its side and still read the answer. If it has to wait for longer than this, it
# is taken for gone.
ABANDONED_SECONDS = 1

Environ = dict[str, Any]
Application = Callable[[Environ, Callable], Iterable[bytes]]


@dataclass(frozen=True)
class Answer:
    """What Django answers: a body, or an open file that is to be sent and closed."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes | BinaryIO


@dataclass(frozen=True, eq=False)
class _Job:
    environ: Environ
    # None if it was never begun.
    answer: asyncio.Future[Answer | None]
    since: float
    is_gone: Callable[[], bool] | None

    def is_abandoned(self) -> bool:
        """Whether it isn't worth beginning, because its client seems to be gone."""
        waited = time.monotonic() - self.since
        return self.is_gone is not None and waited > ABANDONED_SECONDS and self.is_gone()


class Threads:
    """
    Run a WSGI application in ``count`` threads, which live as long as the process.

    Each keeps its database connection. Python's own executor takes several times as long to hand
    a call over, and waits for its threads when the process ends.
    """

    def __init__(self, application: Application, count: int) -> None:
        self._application = application
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        # Those of the queue that nobody has taken: neither a thread, to begin it, nor its deadline.
        self._waiting: set[_Job] = set()
        self._lock = Lock()
        # Daemons, so that a database that stands still can't hold the process up.
        for _ in range(count):
            Thread(target=self._work, daemon=True).start()

    @property
    def waiting(self) -> int:
        """How many requests wait for a thread."""
        return len(self._waiting)

    async def run(self, environ: Environ, is_gone: Callable[[], bool] | None) -> Answer | None:
        """
        Return the answer to a request, or None if it was not begun.

        It isn't begun if too many wait already, if no thread is free within ``QUEUE_SECONDS``, or
        if its client is gone when one is.

        :param is_gone: whether the client has closed its side, if that matters; called in a thread
        """
        if self.waiting >= QUEUE:
            return None
        job = self._enqueue(environ, is_gone)
        # By a timer, because the threads may all be busy for longer.
        deadline = self._loop.call_later(QUEUE_SECONDS, self._give_up, job)
        try:
            return await job.answer
        finally:
            deadline.cancel()

    async def run_at_last(self, environ: Environ) -> Answer:
        """Return the answer to a request, however many wait before it."""
        answer = await self._enqueue(environ, None).answer
        assert answer is not None
        return answer

    def _enqueue(self, environ: Environ, is_gone: Callable[[], bool] | None) -> _Job:
        job = _Job(environ, self._loop.create_future(), time.monotonic(), is_gone)
        self._waiting.add(job)
        self._jobs.put(job)
        return job

    def _take(self, job: _Job) -> bool:
        """Return True to the first caller, which alone may begin the job or give it up."""
        with self._lock:
            taken = job in self._waiting
            self._waiting.discard(job)
            return taken

    def _give_up(self, job: _Job) -> None:
        if self._take(job):
            _settle(job.answer.set_result, None)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if not self._take(job):
                continue
            try:
                answer = None if job.is_abandoned() else call(self._application, job.environ)
            except BaseException as error:
                self._loop.call_soon_threadsafe(_settle, job.answer.set_exception, error)
            else:
                self._loop.call_soon_threadsafe(_settle, job.answer.set_result, answer)


def _settle(settle: Callable[[Any], None], outcome: Any) -> None:
    # The request was given up if the worker had to end.
    with suppress(asyncio.InvalidStateError):
        settle(outcome)


def call(application: Application, environ: Environ) -> Answer:
    """Call a WSGI application, and return its answer whole; a file stays open."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    result: Any = application(environ, lambda status, headers: started.append((status, headers)))
    if isinstance(result, environ["wsgi.file_wrapper"]) and _has_length(started[0][1]):
        return Answer(*started[0], result.filelike)
    try:
        return Answer(*started[0], b"".join(result))
    finally:
        result.close()


def _has_length(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-length" for name, _ in headers)
