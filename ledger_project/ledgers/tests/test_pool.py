"""The connections of all ledgers are bounded, and none is used for another ledger."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from database.switching import current_ledger
from ledger_project.ledgers.file import Ledger
from ledger_project.ledgers.pool import Pool, using

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ledgers():
    """Five ledgers. Their connections lead to one database, but are kept apart."""
    database = connection.settings_dict
    return [Ledger(f"l{number}.example", str(number), {**database}) for number in range(5)]


@pytest.fixture
def pool():
    pool = Pool(2)
    yield pool
    pool.keep_only([])


def opened(pool, ledger):
    """Take a connection, open it, and give it back."""
    taken = pool.take(ledger)
    taken.ensure_connection()
    pool.give_back(ledger, taken)
    return taken


def test_a_ledger_gets_the_connection_back_that_it_used_last(pool, ledgers):
    first, second = pool.take(ledgers[0]), pool.take(ledgers[0])
    for each in (first, second):
        each.ensure_connection()
        pool.give_back(ledgers[0], each)

    again = [pool.take(ledgers[0]), pool.take(ledgers[0])]
    for each in again:
        pool.give_back(ledgers[0], each)
    assert again == [second, first]


def test_a_connection_that_was_not_opened_is_used_last(pool, ledgers):
    unused, used = pool.take(ledgers[0]), pool.take(ledgers[0])
    used.ensure_connection()
    pool.give_back(ledgers[0], used)
    pool.give_back(ledgers[0], unused)

    again = pool.take(ledgers[0])
    pool.give_back(ledgers[0], again)
    assert again is used


def test_the_connection_that_was_idle_longest_is_closed_for_another_ledger(pool, ledgers):
    [oldest, newer, newest] = [opened(pool, ledger) for ledger in ledgers[:3]]

    assert [each.connection is None for each in (oldest, newer, newest)] == [True, False, False]
    assert opened(pool, ledgers[1]) is newer
    assert newest.connection is not None


def test_more_than_the_bound_may_be_in_use_but_are_not_kept(pool, ledgers):
    taken = [pool.take(ledger) for ledger in ledgers]
    for each in taken:
        each.ensure_connection()
    for ledger, each in zip(ledgers, taken, strict=True):
        pool.give_back(ledger, each)

    assert [each.connection is None for each in taken].count(False) == 2


def test_a_broken_connection_is_not_used_again(pool, ledgers):
    taken = pool.take(ledgers[0])
    taken.ensure_connection()
    taken.connection.close()
    taken.errors_occurred = True
    pool.give_back(ledgers[0], taken)

    again = pool.take(ledgers[0])
    with again.cursor() as cursor:
        cursor.execute("SELECT 1")
    pool.give_back(ledgers[0], again)


def test_the_connections_of_a_removed_ledger_are_closed(pool, ledgers):
    idle = opened(pool, ledgers[0])
    in_use = pool.take(ledgers[0])
    in_use.ensure_connection()
    other = opened(pool, ledgers[1])

    pool.keep_only([ledgers[1]])
    pool.give_back(ledgers[0], in_use)

    assert [each.connection is None for each in (idle, in_use, other)] == [True, True, False]


def test_threads_use_the_connections_of_their_ledgers_and_no_more_than_their_number(
    ledgers, monkeypatch
):
    threads = 3
    pool = Pool(threads)
    monkeypatch.setattr("ledger_project.ledgers.pool.pool", pool)
    usual = connections["default"]
    opened, lock = set(), threading.Lock()

    def work(number: int) -> tuple[str, int]:
        ledger = ledgers[number % len(ledgers)]
        with using(ledger), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s", [number])
                [[found]] = cursor.fetchall()
            with lock:
                opened.add(connections["default"])
            assert len([each for each in opened if each.connection is not None]) <= threads
            return current_ledger(), found

    with ThreadPoolExecutor(threads) as executor:
        results = list(executor.map(work, range(100)))
    pool.keep_only([])

    assert results == [(ledgers[number % 5].host, number) for number in range(100)]
    assert connections["default"] is usual
    assert current_ledger() is None
