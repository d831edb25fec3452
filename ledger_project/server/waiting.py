"""
The requests that wait for news: they hold neither a thread nor a database connection.

While any request waits, one thread of each worker polls the database for all of them.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import close_old_connections, connections

from api.waiting import Poll, Wait
from ledger_project.addresses import network_of

# How often to look for news while requests wait, in seconds.
POLL_SECONDS = 0.2
# The number of requests of a worker that may wait. The other connections are for other requests.
# One client may have only as many of these places as are still free, so at most half.
MOST_WAITING = 800
# The number of views that run again at a time, so that other requests find free threads.
AT_A_TIME = 4

logger = logging.getLogger("ledger.server")


@dataclass(eq=False, slots=True)
class _Waiter:
    wait: Wait
    is_gone: Callable[[], bool]
    # The network of the client.
    client: str
    # Whether there is news.
    outcome: asyncio.Future[bool]

    def end(self, has_news: bool) -> None:
        if not self.outcome.done():
            self.outcome.set_result(has_news)


class WaitingRoom:
    """Let requests wait, and tell each when there is news for it."""

    def __init__(self, poll: Poll) -> None:
        self._poll = poll
        self._waiters: set[_Waiter] = set()
        self._watch: asyncio.Task[None] | None = None
        # How far the log has been searched for news. Only valid while `_watch` runs.
        self._reached: Any = None
        self._is_open = True
        self.turns = asyncio.Semaphore(AT_A_TIME)

    def __len__(self) -> int:
        return len(self._waiters)

    def has_room_for(self, address: str) -> bool:
        """Return whether another request of the client with this address may wait."""
        client = network_of(address)
        held = sum(waiter.client == client for waiter in self._waiters)
        return held < MOST_WAITING - len(self)

    async def wait(
        self, wait: Wait, seconds: float, is_gone: Callable[[], bool], address: str
    ) -> bool:
        """
        Return True as soon as there may be news, or False after ``seconds``.

        Return False at once if the worker is stopping or the client has closed its side.
        """
        if not self._is_open or is_gone():
            return False
        if self._watch is None:
            self._reached = wait.since
            self._watch = asyncio.create_task(self._look_for_news())
        elif wait.since < self._reached:
            # Somebody has looked since the view did, and didn't know of this request.
            return True
        outcome = asyncio.get_running_loop().create_future()
        waiter = _Waiter(wait, is_gone, network_of(address), outcome)
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(seconds):
                return await outcome
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)

    def close(self) -> None:
        """Let nobody wait any more."""
        self._is_open = False
        for waiter in self._waiters:
            waiter.end(False)

    async def _look_for_news(self) -> None:
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, "news")
        try:
            while self._waiters:
                await asyncio.sleep(POLL_SECONDS)
                for waiter in self._waiters:
                    if waiter.is_gone():
                        waiter.end(False)
                try:
                    news = await loop.run_in_executor(thread, self._look, self._reached)
                except Exception as error:
                    # Nobody misses anything: the next look begins at the same point.
                    logger.warning("could not look for events: %r", error)
                    continue
                self._reached, concerns = news
                for waiter in self._waiters:
                    if concerns(waiter.wait.subject):
                        waiter.end(True)
        finally:
            self._watch = None
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)

    def _look(self, since: Any) -> Any:
        close_old_connections()
        return self._poll(since)
