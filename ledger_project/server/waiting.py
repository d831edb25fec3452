"""
The requests that wait for news: they hold neither a thread nor a database connection.

While any request waits for news of a ledger, one thread of each worker polls its database for all
of them.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.db import close_old_connections, connections

from api.waiting import News, PollOfLedger, Wait
from ledger_project.addresses import network_of

# How often to look for news while requests wait, in seconds.
POLL_SECONDS = 0.2
# The number of requests of a worker that may wait. The other connections are for other requests.
# One client may have only as many of these places as are still free, so at most half.
MOST_WAITING = 800
# The number of views that run again at a time, so that other requests find free threads.
AT_A_TIME = 4
# The number of ledgers that are polled at a time, each over a connection. A database that doesn't
# respond delays the news of others only if there are this many such databases.
LOOKS_AT_A_TIME = 4

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


@dataclass(eq=False, slots=True)
class Watch:
    """Those who wait for news of one ledger, and how far its log has been searched for them."""

    reached: Any
    waiters: set[_Waiter] = field(default_factory=set)
    # The task, which is kept so that it isn't collected as garbage.
    task: asyncio.Task[None] | None = None


class WaitingRoom:
    """Let requests wait, and tell each when there is news for it."""

    def __init__(self, poll: PollOfLedger) -> None:
        self._poll = poll
        # By ledger. Each exists while somebody waits for its news.
        self.watches: dict[str | None, Watch] = {}
        self._is_open = True
        self.turns = asyncio.Semaphore(AT_A_TIME)
        self._looks = asyncio.Semaphore(LOOKS_AT_A_TIME)

    def __len__(self) -> int:
        return sum(len(watch.waiters) for watch in self.watches.values())

    def has_room_for(self, address: str) -> bool:
        """Return whether another request of the client with this address may wait."""
        client = network_of(address)
        held = sum(
            waiter.client == client for watch in self.watches.values() for waiter in watch.waiters
        )
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
        watch = self.watches.get(wait.ledger)
        if watch is None:
            watch = self.watches[wait.ledger] = Watch(wait.since)
            watch.task = asyncio.create_task(self._look_for_news(wait.ledger, watch))
        elif wait.since < watch.reached:
            # Somebody has looked since the view did, and didn't know of this request.
            return True
        outcome = asyncio.get_running_loop().create_future()
        waiter = _Waiter(wait, is_gone, network_of(address), outcome)
        watch.waiters.add(waiter)
        try:
            async with asyncio.timeout(seconds):
                return await outcome
        except TimeoutError:
            return False
        finally:
            watch.waiters.discard(waiter)

    def close(self) -> None:
        """Let nobody wait any more."""
        self._is_open = False
        for watch in self.watches.values():
            for waiter in watch.waiters:
                waiter.end(False)

    async def _look_for_news(self, ledger: str | None, watch: Watch) -> None:
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, "news")
        try:
            while watch.waiters:
                await asyncio.sleep(POLL_SECONDS)
                for waiter in watch.waiters:
                    if waiter.is_gone():
                        waiter.end(False)
                try:
                    async with self._looks:
                        news = await loop.run_in_executor(thread, self._look, ledger, watch.reached)
                except Exception as error:
                    # Nobody misses anything: the next look begins at the same point.
                    logger.warning("could not look for events: %r", error)
                    continue
                watch.reached, concerns = news
                for waiter in watch.waiters:
                    if concerns(waiter.wait.subject):
                        waiter.end(True)
        finally:
            del self.watches[ledger]
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)

    def _look(self, ledger: str | None, since: Any) -> News:
        close_old_connections()
        return self._poll(ledger, since)
