"""
A timeout on the client side for everything that waits for PostgreSQL.

PostgreSQL's own timeouts work only while the server does. If its disk hangs, or if its machine is
suspended or unreachable, each thread would wait forever, until none was left even for the health
route.
"""

import logging
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
# An outage makes all threads wait.
LOG_EVERY_SECONDS = 60
LATE = (
    "the database didn't respond in time, so the connection is closed. It stands still, can't be "
    "reached, or waits for its synchronous standby to confirm a commit"
)

logger = logging.getLogger("ledger.database")

# By the id of each waiting thread: its deadline (monotonic seconds) and its connection.
_waiting: dict[int, tuple[float, Connection]] = {}


def guard(connection: Connection, seconds: float) -> None:
    """Close the connection if a thread waits for it longer than ``seconds``."""
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


# Threads don't survive a fork, so a child process starts its own.
os.register_at_fork(after_in_child=_start.cache_clear)


def _watch() -> None:
    logged_at = float("-inf")
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        logged_at = _look(time.monotonic(), logged_at)


def _look(now: float, logged_at: float) -> float:
    """Close the connections that are waited for too long. Return when that was logged last."""
    late = [connection for deadline, connection in list(_waiting.values()) if deadline < now]
    if late and now - logged_at > LOG_EVERY_SECONDS:
        logged_at = now
        logger.warning(LATE)
    for connection in late:
        _cut(connection)
    return logged_at


def _cut(connection: Connection) -> None:
    # The waiting thread gets an OperationalError, as if the server had closed the connection. This
    # uses a copy of the file descriptor, because its number may be reused at any moment.
    with (
        suppress(OSError, OperationalError),
        socket.socket(fileno=os.dup(connection.fileno())) as copy,
    ):
        copy.shutdown(socket.SHUT_RDWR)
