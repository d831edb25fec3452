"""
Whoever waits for PostgreSQL waits for so long, and no longer.

PostgreSQL's own timeouts end what it is at work on. A server that stands still can't end anything:
its disk hangs, its machine is suspended, or it has vanished without a word. Each thread would wait
for ever, and with the last of them even the health route would fall silent.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from typing import Any

from psycopg import Connection, OperationalError

LOOK_EVERY_SECONDS = 1.0

# Since when each thread has waited until when, and for which connection.
_waiting: dict[int, tuple[float, Connection]] = {}


def guard(connection: Connection, seconds: float) -> None:
    """Let nobody wait on the connection for longer than so many seconds: it is cut, and is lost."""
    connection.wait = _within(seconds, connection)  # type: ignore[method-assign]
    _start()


def _within(seconds: float, connection: Connection) -> Callable[..., Any]:
    wait = connection.wait

    @wraps(wait)
    def wait_within(*args: Any, **kwargs: Any) -> Any:
        thread = threading.get_ident()
        _waiting[thread] = (time.monotonic() + seconds, connection)
        try:
            return wait(*args, **kwargs)
        finally:
            del _waiting[thread]

    return wait_within


@cache
def _start() -> None:
    threading.Thread(target=_watch, name="postgresql-watchdog", daemon=True).start()


# A thread doesn't survive a fork: the child starts its own.
os.register_at_fork(after_in_child=_start.cache_clear)


def _watch() -> None:
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        now = time.monotonic()
        for deadline, connection in list(_waiting.values()):
            if deadline < now:
                _cut(connection)


def _cut(connection: Connection) -> None:
    # The thread that waits gets an OperationalError, as if the server had closed the connection.
    # A copy of the descriptor, because the number may be another connection's in a moment.
    with (
        suppress(OSError, OperationalError),
        socket.socket(fileno=os.dup(connection.fileno())) as copy,
    ):
        copy.shutdown(socket.SHUT_RDWR)
