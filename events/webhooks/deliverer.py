"""
The loop of ``manage.py deliver_webhooks``: make deliveries, attempt them, record the outcomes.

Requests to receivers run in an event loop, so a slow receiver occupies neither a thread nor a
connection to the database. Statements run one after another.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from time import monotonic
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.db import close_old_connections, connections
from prometheus_client import Counter as CounterMetric

from api.metrics import LEDGER_LABEL, of_ledger
from events.webhooks import attempts
from events.webhooks.attempts import AT_ONCE, Attempt
from events.webhooks.fanout import fan_out
from events.webhooks.sending import Outcome, Sender
from transfers import clock, services

P = ParamSpec("P")
R = TypeVar("R")

# How many requests a process makes at once. The webhooks of one user may use as many as are still
# free, so that however many users have slow receivers, some are left for the others.
MOST_AT_ONCE = 200
# In seconds: the longest wait if there is nothing to do, and that after an error of the database.
IDLE_SECONDS = 0.5
ERROR_SECONDS = 5
# How often expired holds are released, in seconds. Nothing else would report that they expired.
EXPIRY_SECONDS = 30

ATTEMPTS = CounterMetric(
    "ledger_webhook_attempts",
    "Attempts to deliver an event, by their outcome.",
    ["outcome", *LEDGER_LABEL],
)

logger = logging.getLogger("ledger.webhooks")


class Deliverer:
    """
    Delivers events to webhooks until it is stopped.

    :param threads: where statements run, one at a time. By default, in a thread of their own.
    :param database: returns a context manager in which a thread uses the database

    ``most_at_once`` is the number of requests that may be in progress.
    """

    def __init__(
        self,
        sender: Sender,
        *,
        threads: Executor | None = None,
        database: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._sender = sender
        self.most_at_once = MOST_AT_ONCE
        self._stopping = asyncio.Event()
        self._threads = threads or ThreadPoolExecutor(1, "database")
        self._database = database
        self._turn = asyncio.Lock()
        self._requests: set[asyncio.Task[None]] = set()
        # By the id of a webhook, and of a user.
        self._in_progress: Counter[UUID | int] = Counter()
        self._expired_at = float("-inf")

    def stop(self) -> None:
        """End ``run`` after the attempts in progress."""
        self._stopping.set()

    async def run(self) -> None:
        """Deliver events until ``stop`` is called, whatever happens to the database."""
        while not self._stopping.is_set():
            try:
                found_work = await self._round()
            except Exception:
                # For example, the database is down. Claims end by themselves.
                logger.exception("could not read or write deliveries")
                await self._pause(ERROR_SECONDS)
                continue
            if not found_work:
                await self._idle()
        if self._requests:
            await asyncio.wait(self._requests)
        await self._in_database(connections.close_all)

    async def _round(self) -> bool:
        """Make and attempt what is due, and return whether there was anything to do."""
        if monotonic() - self._expired_at > EXPIRY_SECONDS:
            self._expired_at = monotonic()
            await self._in_database(_release_expired_holds)
        made, has_more = await self._in_database(fan_out)
        claimed = await self._in_database(self._claim)
        for attempt in claimed:
            self._in_progress.update([attempt.endpoint_id, attempt.owner_id])
            request = asyncio.create_task(self._attempt(attempt))
            self._requests.add(request)
            request.add_done_callback(self._requests.discard)
        return bool(made or has_more or claimed)

    def _claim(self) -> list[Attempt]:
        claimed: list[Attempt] = []
        of_owner: Counter[int] = Counter()
        for endpoint_id, owner_id in attempts.due_endpoints(clock.now()):
            room = self.most_at_once - len(self._requests) - len(claimed)
            share = (room - self._in_progress[owner_id] - of_owner[owner_id] + 1) // 2
            free = min(AT_ONCE - self._in_progress[endpoint_id], share)
            if free > 0:
                new = attempts.claim(endpoint_id, free)
                of_owner[owner_id] += len(new)
                claimed += new
        return claimed

    async def _attempt(self, attempt: Attempt) -> None:
        try:
            if monotonic() > attempt.send_until:
                return  # The database was slow. Another process may take over at any moment.
            if attempt.target is None:
                outcome = Outcome(None, 0, attempt.error)
            else:
                outcome = await self._sender.post(attempt.target, attempt.headers, attempt.body)
            with suppress(Exception):  # An attempt mustn't fail because of metrics.
                of_ledger(ATTEMPTS, _label(outcome)).inc()
            await self._in_database(attempts.record, attempt, outcome)
        except Exception:
            # The claim ends by itself, and the event is delivered again.
            logger.exception("could not record the outcome of a delivery")
        finally:
            self._in_progress.subtract([attempt.endpoint_id, attempt.owner_id])

    async def _in_database(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        def run() -> R:
            close_old_connections()
            with self._database():
                return function(*args, **kwargs)

        async with self._turn:
            return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def _idle(self) -> None:
        """Wait for work: some time for new events, or until a request ends and leaves room."""
        stopping = asyncio.create_task(self._stopping.wait())
        waiting = {stopping, *self._requests}
        await asyncio.wait(waiting, timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


def _release_expired_holds() -> None:
    for source_id in services.sources_of_expired_holds():
        services.release_expired_holds(source_id=source_id)


def _label(outcome: Outcome) -> str:
    if outcome.status is None:
        return "no response"
    return f"{outcome.status // 100}xx"
