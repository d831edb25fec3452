"""
Do the work of all threads that are waiting at once. Plain Python, without Django.

The first thread that submits work leads: it prepares to work, takes everything that is queued by
then, and does it as one group. What is submitted after that forms the next group, which is led by
the first thread in the queue. There is no timer: while nobody else waits, a group has one member.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Condition, Lock
from typing import Generic, TypeVar

Member = TypeVar("Member")
Group = Callable[[], list[Member]]


class TookTooLong(Exception):
    """
    The work wasn't done within the time that a thread waits for it.

    ``is_pending`` tells whether it may still be done, because a group with it had begun.
    """

    def __init__(self, is_pending: bool) -> None:
        super().__init__()
        self.is_pending = is_pending


class _Waiting(Generic[Member]):
    """A member, and the thread that waits for it."""

    def __init__(self, member: Member, lock: Lock) -> None:
        self.member = member
        self.changed = Condition(lock)
        self.is_taken = self.is_done = self.leads = False


class Combiner(Generic[Member]):
    """
    Call ``run`` for the members that threads submit, as many as are waiting.

    ``run`` gets a function that returns the members. The first call of that function takes them out
    of the queue, so ``run`` should call it as late as possible.

    One ``run`` runs at a time, in the thread of one of its members. If it raises, that thread gets
    the exception; the other members aren't told, so ``run`` must leave on each member what became
    of it.

    :param largest: the size limit of a group
    :param patience: how many seconds a thread waits for another one to do its work
    """

    def __init__(
        self, run: Callable[[Group[Member]], None], *, largest: int, patience: float
    ) -> None:
        self._run, self._largest, self._patience = run, largest, patience
        self._lock = Lock()
        self._queue: deque[_Waiting[Member]] = deque()
        self._has_leader = False

    def submit(self, member: Member) -> None:
        """
        Return when ``run`` has returned for a group with ``member``.

        :raises TookTooLong: if that takes longer than ``patience``
        """
        waiting = _Waiting(member, self._lock)
        with self._lock:
            self._queue.append(waiting)
            if not self._has_leader:
                self._has_leader = waiting.leads = True
            else:
                self._wait(waiting)
        if waiting.leads:
            self._lead()

    @property
    def waiting(self) -> int:
        """The number of members in the queue, whose group hasn't begun."""
        return len(self._queue)

    def _wait(self, waiting: _Waiting[Member]) -> None:
        try:
            if not waiting.changed.wait_for(
                lambda: waiting.leads or waiting.is_done, self._patience
            ):
                raise TookTooLong(waiting.is_taken)
        finally:
            # Whatever ended the wait: a thread that is gone must not be asked to lead.
            if not (waiting.leads or waiting.is_taken):
                self._queue.remove(waiting)

    def _lead(self) -> None:
        group: list[_Waiting[Member]] = []
        try:
            self._run(partial(self._take, group))
        finally:
            # If `run` has failed early. The leader must not remain in the queue.
            self._take(group)
            with self._lock:
                for each in group:
                    each.is_done = True
                    each.changed.notify()
                # The heir may only now give up waiting, and then finds that it leads.
                self._has_leader = bool(self._queue)
                if self._queue:
                    self._queue[0].leads = True
                    self._queue[0].changed.notify()

    def _take(self, group: list[_Waiting[Member]]) -> list[Member]:
        with self._lock:
            if not group:
                size = min(self._largest, len(self._queue))
                group += [self._queue.popleft() for _ in range(size)]
                for each in group:
                    each.is_taken = True
        return [each.member for each in group]
