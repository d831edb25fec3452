"""Requests that are carried out in one group, because a gate in front of them is closed."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection

from api.deferred import Service
from ledger_project.idempotency import groups
from ledger_project.idempotency.combining import Combiner, Group
from ledger_project.idempotency.tests.queues import LONG, until
from transfers.views import orders


class Gated:
    """
    A combiner in whose queue requests gather until ``open`` is called.

    Its first group has one member, which does nothing but wait for that. ``services`` has one
    combiner for each process; ``Gated`` makes a new one each time, as if this were another process.
    """

    def __init__(self, threads: ThreadPoolExecutor, service: Service = orders._perform) -> None:
        groups.combiner.cache_clear()
        self.combiner: Combiner = groups.combiner(service, None)
        self._service, self._threads = service, threads
        self._entered, self._opened = threading.Event(), threading.Event()
        self._run, self.combiner._run = self.combiner._run, self._wait
        self._closed = self._submit(lambda: self.combiner.submit(None))
        assert self._entered.wait(LONG)

    def _wait(self, group: Group[Any]) -> None:
        assert group() == [None]
        self.combiner._run = self._run
        self._entered.set()
        assert self._opened.wait(LONG)

    def add(self, call: Callable[[], Any]) -> Future:
        """Run a call in a thread, and return when its request is in the queue."""
        length = self.combiner.waiting
        future = self._submit(call)
        until(lambda: self.combiner.waiting == length + 1 or future.done())
        assert not future.done(), future.result()
        return future

    def open(self) -> None:
        """Let all that are waiting be carried out as one group."""
        self._opened.set()
        self._closed.result(timeout=LONG)

    def _submit(self, call: Callable[[], Any]) -> Future:
        def run() -> Any:
            try:
                return call()
            finally:
                connection.close()

        return self._threads.submit(run)


class Watched:
    """A call whose SQL statements and commits are counted, in the thread that runs it."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self.statements: list[str] = []
        self.commits = 0

    def __call__(self) -> Any:
        commit = connection.commit

        def counted() -> None:
            commit()
            self.commits += 1

        connection.commit = counted
        try:
            with connection.execute_wrapper(self._note):
                return self._call()
        finally:
            connection.commit = commit

    def _note(self, execute, sql, params, many, context) -> Any:
        self.statements.append(sql)
        return execute(sql, params, many, context)


class PausedAt:
    """An execute wrapper that waits before the first statement with a certain beginning."""

    def __init__(self, beginning: str) -> None:
        self._beginning = beginning
        self.reached, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, execute, sql, params, many, context) -> Any:
        if sql.startswith(self._beginning) and not self.reached.is_set():
            self.reached.set()
            assert self.may_go_on.wait(LONG)
        return execute(sql, params, many, context)

    def pausing(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Return the call with this wrapper in its thread."""

        def run() -> Any:
            with connection.execute_wrapper(self):
                return call()

        return run


class PausedAfterBegin:
    """A pause of a thread, after it has begun its first transaction."""

    def __init__(self) -> None:
        self.reached, self.may_go_on = threading.Event(), threading.Event()

    def pausing(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Return the call with this pause in its thread."""

        def run() -> Any:
            begin = connection.set_autocommit

            def pause(*args: Any, **kwargs: Any) -> None:
                connection.set_autocommit = begin
                begin(*args, **kwargs)
                self.reached.set()
                assert self.may_go_on.wait(LONG)

            connection.set_autocommit = pause
            return call()

        return run
