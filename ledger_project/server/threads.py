"""The threads in which Django runs, and the queue in front of them."""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO

from ledger_project.server.exceptions import Busy
from ledger_project.server.refusals import REFUSAL

# Requests that wait for a thread, and for how long at most.
QUEUE = 100
QUEUE_SECONDS = 10

Environ = dict[str, Any]
Application = Callable[[Environ, Callable], Iterable[bytes]]


@dataclass(frozen=True)
class Answer:
    """What Django answers: a body, or an open file that is to be sent and closed."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes | BinaryIO


@dataclass(frozen=True)
class _Job:
    environ: Environ
    answer: asyncio.Future[Answer]
    since: float


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
        # Daemons, so that a database that stands still can't hold the process up.
        for _ in range(count):
            Thread(target=self._work, daemon=True).start()

    def have_room(self) -> bool:
        """Whether one more request may wait for a thread."""
        return self._jobs.qsize() < QUEUE

    async def answer(self, environ: Environ) -> Answer:
        """Return the answer to a request; one that has waited for too long is refused."""
        job = _Job(environ, self._loop.create_future(), time.monotonic())
        self._jobs.put(job)
        return await job.answer

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if time.monotonic() - job.since > QUEUE_SECONDS:
                job.environ[REFUSAL] = Busy()
            try:
                answer = call(self._application, job.environ)
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
