"""A combiner whose first group is running, so that a test decides who is queued, and when."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ledger_project.idempotency.combining import Combiner, Group

# In seconds: longer than anything takes on a busy machine, and as short as a wait can be.
LONG, SHORT = 300, 0.01


class Work:
    """A ``run`` that records its groups. Each group waits until the test lets it end."""

    def __init__(self) -> None:
        self.groups: list[list[object]] = []
        self.leaders: list[int] = []
        self.began, self.may_end = threading.Semaphore(0), threading.Semaphore(0)
        self.running = 0

    def __call__(self, group: Group[object]) -> None:
        members = group()
        self.running += 1
        assert self.running == 1
        self.groups.append(members)
        self.leaders.append(threading.get_ident())
        self.began.release()
        assert self.may_end.acquire(timeout=LONG)
        self.running -= 1
        for member in members:
            if isinstance(member, BaseException):
                raise member


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true. Nothing else tells that a thread has joined the queue."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Queue:
    """A combiner whose first group is running, so that whatever is submitted is queued."""

    def __init__(self, work: Work, threads: ThreadPoolExecutor, **options) -> None:
        self.combiner = Combiner(work, **{"largest": 64, "patience": LONG, **options})
        self.work, self.threads = work, threads
        self.first = threads.submit(self.combiner.submit, "first")
        assert work.began.acquire(timeout=LONG)

    def add(self, *members: object) -> list[Future]:
        """Submit members, each in its own thread, in this order."""
        futures = []
        for member in members:
            length = self.combiner.waiting
            futures.append(self.threads.submit(self.combiner.submit, member))
            until(lambda length=length: self.combiner.waiting == length + 1)
        return futures

    def let_groups_end(self, count: int = 1) -> None:
        self.work.may_end.release(count)
