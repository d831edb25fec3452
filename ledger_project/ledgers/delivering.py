"""Deliver the webhooks of several ledgers in one process."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from database.switching import named
from events.webhooks.deliverer import MOST_AT_ONCE, Deliverer
from events.webhooks.sending import Sender
from ledger_project.ledgers.file import Ledger
from ledger_project.ledgers.pool import using
from ledger_project.ledgers.registry import registry

# The number of ledgers whose databases are used at a time. A database that doesn't respond delays
# the others only if there are this many such databases.
AT_A_TIME = 4
# How often to look for ledgers that were added or removed, in seconds.
LOOK_EVERY_SECONDS = 1.0


class LedgersDeliverer:
    """
    Delivers the events of all ledgers until it is stopped, with a ``Deliverer`` for each.

    Each ledger may have the same number of requests in progress, so that one with many slow
    receivers takes no room from the others.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._stopping = asyncio.Event()
        self._threads = ThreadPoolExecutor(AT_A_TIME, "database")
        self._deliverers: dict[Ledger, Deliverer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """End ``run`` after the attempts in progress."""
        self._stopping.set()

    async def run(self) -> None:
        """Deliver events until ``stop`` is called, also of ledgers that are added meanwhile."""
        while not self._stopping.is_set():
            self._follow(list(registry().all().values()))
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_SECONDS):
                    await self._stopping.wait()
        self._follow([])
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _follow(self, ledgers: list[Ledger]) -> None:
        """Start a deliverer for each new ledger, and stop those of the ledgers that are gone."""
        for ledger in self._deliverers.keys() - set(ledgers):
            self._deliverers.pop(ledger).stop()
        for ledger in ledgers:
            if ledger not in self._deliverers:
                self._start(ledger)
            self._deliverers[ledger].most_at_once = max(1, MOST_AT_ONCE // len(ledgers))

    def _start(self, ledger: Ledger) -> None:
        deliverer = Deliverer(self._sender, threads=self._threads, database=partial(using, ledger))
        self._deliverers[ledger] = deliverer
        with named(ledger.host):
            task = asyncio.create_task(deliverer.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
