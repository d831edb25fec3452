"""Threads that give up waiting in a combiner's queue, or just when it is their turn."""

import threading
from concurrent.futures import Future

import pytest

from ledger_project.idempotency import combining
from ledger_project.idempotency.combining import TookTooLong
from ledger_project.idempotency.tests.queues import LONG, SHORT, Queue

pytestmark = pytest.mark.one_database


class LateLock:
    """A lock that the thread ``late`` gets back only when the test wants, after it has waited."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.late: int | None = None
        self.is_over, self.may_go_on = threading.Event(), threading.Event()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_error: object) -> None:
        self._lock.release()

    def acquire(self, blocking: bool = True) -> bool:
        # A condition calls this without an argument at the end of its wait.
        if blocking and threading.get_ident() == self.late:
            self.is_over.set()
            assert self.may_go_on.wait(LONG)
        return self._lock.acquire(blocking)

    def release(self) -> None:
        self._lock.release()


@pytest.fixture
def late_lock(monkeypatch) -> LateLock:
    lock = LateLock()
    monkeypatch.setattr(combining, "Lock", lambda: lock)
    return lock


def submit_impatiently(queue: Queue, lock: LateLock) -> Future:
    """Submit a member from a thread whose time is over at once, but that doesn't go on yet."""

    def submit() -> None:
        lock.late = threading.get_ident()
        queue.combiner.submit("impatient")

    queue.combiner._patience = SHORT
    impatient = queue.threads.submit(submit)
    assert lock.is_over.wait(LONG)
    return impatient


def test_a_follower_whose_time_is_over_in_the_queue_leaves_it(work, threads):
    queue = Queue(work, threads, patience=SHORT)

    with pytest.raises(TookTooLong) as given_up:
        queue.combiner.submit("impatient")

    assert given_up.value.is_pending is False
    assert queue.combiner.waiting == 0
    queue.let_groups_end()
    queue.first.result(timeout=LONG)
    assert work.groups == [["first"]]


def test_a_follower_whose_time_is_over_while_its_group_runs_is_pending(work, threads, late_lock):
    queue = Queue(work, threads)
    [leader] = queue.add("leader")
    impatient = submit_impatiently(queue, late_lock)
    queue.let_groups_end()
    assert work.began.acquire(timeout=LONG)

    late_lock.may_go_on.set()
    given_up = impatient.exception(timeout=LONG)

    assert isinstance(given_up, TookTooLong)
    assert given_up.is_pending is True
    queue.let_groups_end()
    leader.result(timeout=LONG)
    assert work.groups == [["first"], ["leader", "impatient"]]


def test_a_follower_whose_time_is_over_just_when_its_group_has_ended_has_not_failed(
    work, threads, late_lock
):
    queue = Queue(work, threads)
    [leader] = queue.add("leader")
    impatient = submit_impatiently(queue, late_lock)
    queue.let_groups_end(2)
    leader.result(timeout=LONG)

    late_lock.may_go_on.set()

    assert impatient.result(timeout=LONG) is None
    assert work.groups == [["first"], ["leader", "impatient"]]


def test_a_follower_whose_time_is_over_just_when_it_becomes_the_heir_leads(
    work, threads, late_lock
):
    queue = Queue(work, threads)
    impatient = submit_impatiently(queue, late_lock)
    queue.let_groups_end()
    queue.first.result(timeout=LONG)
    queue.combiner._patience = LONG
    [other] = queue.add("other")

    late_lock.may_go_on.set()
    queue.let_groups_end()

    assert impatient.result(timeout=LONG) is None
    assert other.exception(timeout=LONG) is None
    assert work.groups == [["first"], ["impatient", "other"]]
