"""Those who want to write to SQLite take turns, also in different processes."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction

from database.sqlite import turns
from database.sqlite.turns import turn

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 60


def begin() -> None:
    try:
        with transaction.atomic():
            pass
    finally:
        connection.close()


@contextmanager
def turn_of_another_process() -> Iterator[None]:
    """Hold the turn by a descriptor of its own, as another process does."""
    file = os.open(f"{os.path.realpath(connection.settings_dict['NAME'])}-turn", os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def test_a_transaction_begins_only_when_it_is_its_turn(at_once):
    begin()
    waiting = threading.Thread(target=begin)

    with turn_of_another_process():
        waiting.start()
        waiting.join(0.2)
        has_waited = waiting.is_alive()
    waiting.join(PATIENCE)

    assert (has_waited, waiting.is_alive()) == (True, False)


def test_the_turn_ends_when_the_transaction_has_begun():
    with transaction.atomic(), turn_of_another_process():
        pass


def test_a_turn_that_does_not_come_in_time_is_an_error(monkeypatch):
    begin()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)

    with turn_of_another_process(), pytest.raises(OperationalError, match="for too long"):
        begin()

    begin()


class Clock:
    """A clock that stands still except while somebody sleeps, and opens the way after a while."""

    def __init__(self, seconds: float, free: Callable[[], None]) -> None:
        self.now, self.seconds, self.free = 0.0, seconds, free

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self.seconds:
            self.free()


def test_the_time_that_is_left_is_what_the_wait_has_not_used(tmp_path, monkeypatch):
    path = tmp_path / "turn"
    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        clock = Clock(3, free=lambda: fcntl.flock(other, fcntl.LOCK_UN))
        monkeypatch.setattr(turns, "time", clock)

        with turn(str(path), 10) as left:
            assert left == 10 - clock.now
            assert clock.now == pytest.approx(3, abs=turns.ASK_SECONDS)


def test_the_databases_of_several_ledgers_do_not_wait_for_each_other(tmp_path):
    with turn(str(tmp_path / "a-turn"), 0.1), turn(str(tmp_path / "b-turn"), 0.1) as left:
        assert left >= 0


def test_without_a_file_there_is_no_turn(tmp_path):
    with turn(str(tmp_path / "missing" / "turn"), 10) as left:
        assert left > 0


def test_nobody_waits_for_the_turn_of_another_database(tmp_path):
    others = threading.Thread(target=lambda: begin_and_hold(str(tmp_path / "two")))

    with turn(str(tmp_path / "one"), PATIENCE):
        others.start()
        others.join(PATIENCE)
        assert not others.is_alive()


def begin_and_hold(path: str) -> None:
    with turn(path, PATIENCE):
        pass


def test_threads_take_turns_too(tmp_path):
    path, order = str(tmp_path / "turn"), []

    def take(name: str) -> None:
        with turn(path, PATIENCE):
            order.append(name)
            order.append(name)

    threads = [threading.Thread(target=take, args=[name]) for name in "abcd"]
    with turn(path, PATIENCE):
        for each in threads:
            each.start()
        assert order == []
    for each in threads:
        each.join(PATIENCE)

    assert sorted(order) == sorted("aabbccdd")
    assert order[::2] == order[1::2]
