"""The combiner: who leads, and who is in which group. Without a database."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger_project.idempotency.combining import Combiner, Group
from ledger_project.idempotency.tests.queues import LONG, Queue, until

pytestmark = pytest.mark.one_database


def test_a_member_that_finds_no_leader_is_a_group_of_one(work):
    combiner = Combiner(work, largest=64, patience=LONG)
    work.may_end.release(2)

    combiner.submit("a")
    combiner.submit("b")

    assert work.groups == [["a"], ["b"]]
    assert set(work.leaders) == {threading.get_ident()}
    assert combiner.waiting == 0


@pytest.mark.parametrize("count", [1, 3, 64])
def test_all_that_wait_are_the_next_group_in_order(work, count):
    with ThreadPoolExecutor(count + 1) as threads:
        queue = Queue(work, threads)
        queued = queue.add(*range(count))
        queue.let_groups_end(2)
        for future in (queue.first, *queued):
            future.result(timeout=LONG)

    assert work.groups == [["first"], list(range(count))]


def test_a_group_has_at_most_the_largest_size_and_the_rest_is_the_next_group(work, threads):
    queue = Queue(work, threads, largest=3)
    queued = queue.add(*range(7))

    queue.let_groups_end(4)
    for future in (queue.first, *queued):
        future.result(timeout=LONG)

    assert work.groups == [["first"], [0, 1, 2], [3, 4, 5], [6]]
    assert len(set(work.leaders)) == 4


def test_what_is_submitted_while_a_group_runs_is_the_next_group(work, threads):
    queue = Queue(work, threads)
    early = queue.add("a", "b")
    queue.let_groups_end()
    assert work.began.acquire(timeout=LONG)
    late = queue.add("c", "d")
    queue.let_groups_end(2)
    for future in (queue.first, *early, *late):
        future.result(timeout=LONG)

    assert work.groups == [["first"], ["a", "b"], ["c", "d"]]


def test_what_is_submitted_before_the_leader_takes_its_group_is_in_it(threads):
    groups: list[list[object]] = []
    prepares, is_ready = threading.Semaphore(0), threading.Semaphore(0)

    def run(group: Group[object]) -> None:
        prepares.release()
        assert is_ready.acquire(timeout=LONG)
        groups.append(group())
        assert group() == groups[-1]

    combiner = Combiner(run, largest=3, patience=LONG)
    futures = [threads.submit(combiner.submit, "leader")]
    assert prepares.acquire(timeout=LONG)
    for number in range(4):
        futures.append(threads.submit(combiner.submit, number))
        until(lambda number=number: combiner.waiting == number + 2)
    is_ready.release(2)
    for future in futures:
        future.result(timeout=LONG)

    assert groups == [["leader", 0, 1], [2, 3]]


def test_a_leader_that_raises_before_it_takes_its_group_leaves_nobody_in_the_queue(threads):
    prepares, is_ready = threading.Semaphore(0), threading.Semaphore(0)

    def run(group: Group[object]) -> None:
        prepares.release()
        assert is_ready.acquire(timeout=LONG)
        raise ValueError("run failed")

    combiner = Combiner(run, largest=64, patience=LONG)
    leader = threads.submit(combiner.submit, "leader")
    assert prepares.acquire(timeout=LONG)
    follower = threads.submit(combiner.submit, "follower")
    until(lambda: combiner.waiting == 2)
    is_ready.release()

    assert isinstance(leader.exception(timeout=LONG), ValueError)
    assert follower.exception(timeout=LONG) is None
    assert combiner.waiting == 0


def test_a_member_waits_until_its_group_has_ended(work, threads):
    queue = Queue(work, threads)
    queued = queue.add("a", "b")
    queue.let_groups_end()
    assert work.began.acquire(timeout=LONG)

    assert [future.done() for future in queued] == [False, False]

    queue.let_groups_end()
    assert [future.result(timeout=LONG) for future in queued] == [None, None]


@pytest.mark.parametrize("error", [ValueError("run failed"), SystemExit(), KeyboardInterrupt()])
def test_only_the_leader_gets_the_exception_and_the_next_in_the_queue_leads(work, threads, error):
    queue = Queue(work, threads)
    leader, follower = queue.add(error, "follower")
    queue.let_groups_end()
    assert work.began.acquire(timeout=LONG)
    heir, other = queue.add("heir", "other")
    queue.let_groups_end(2)

    assert leader.exception(timeout=LONG) is error
    for future in (queue.first, follower, heir, other):
        assert future.exception(timeout=LONG) is None
    assert work.groups == [["first"], [error, "follower"], ["heir", "other"]]


def test_after_a_leader_without_an_heir_has_raised_anybody_can_lead(work):
    combiner = Combiner(work, largest=64, patience=LONG)
    work.may_end.release(2)

    with pytest.raises(ValueError, match="run failed"):
        combiner.submit(ValueError("run failed"))
    combiner.submit("next")

    assert work.groups[1:] == [["next"]]


def test_nothing_is_lost_or_repeated_in_64_threads_and_one_group_runs_at_a_time():
    groups: list[list[object]] = []
    running = threading.Lock()

    def run(group: Group[object]) -> None:
        assert running.acquire(blocking=False)
        members = group()
        groups.append(members)
        running.release()
        if members[0][1] % 7 == 0:
            raise ValueError("run failed")

    combiner = Combiner(run, largest=16, patience=LONG)
    barrier = threading.Barrier(64)

    def submit_many(thread: int) -> int:
        failures = 0
        barrier.wait(LONG)
        for number in range(200):
            try:
                combiner.submit((thread, number))
            except ValueError:
                failures += 1
        return failures

    with ThreadPoolExecutor(64) as threads:
        failures = sum(threads.map(submit_many, range(64)))

    assert combiner.waiting == 0
    times = Counter(member for group in groups for member in group)
    members = [(thread, number) for thread in range(64) for number in range(200)]
    assert times == dict.fromkeys(members, 1)
    assert max(map(len, groups)) <= 16
    # Each exception was raised in one thread, that of the leader.
    assert failures == sum(group[0][1] % 7 == 0 for group in groups)
    # Each thread's members were carried out in the order in which it submitted them.
    order = [member for group in groups for member in group]
    assert sorted(order, key=lambda member: member[0]) == sorted(order)
