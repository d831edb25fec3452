"""
Whose turn it is to ask for SQLite's write lock.

SQLite gives the lock to whoever asks while it is free, and those who wait ask at most every 0.1 s.
So a client that writes again and again would nearly always get it before them. Here only one
connection asks at a time, and the others wait until it has the lock.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import OperationalError

# How often the first thread of a process asks whether it is its turn, in seconds.
ASK_SECONDS = 0.001

# By path. The threads of this process wait for the lock of their database, so that only one of them
# asks.
_threads: dict[str, threading.Lock] = {}


@contextmanager
def turn(path: str, seconds: float) -> Iterator[float]:
    """
    Wait for the turn to ask for the write lock, and keep it until the end of the block.

    Yield how many of the ``seconds`` are left. The turn is a lock on this file, which is empty. It
    ends with the process.

    :raises OperationalError: if the turn doesn't come in time
    """
    deadline = time.monotonic() + seconds
    threads = _threads.setdefault(path, threading.Lock())
    if not threads.acquire(timeout=seconds):
        raise _too_late()
    try:
        with _opened(path) as file:
            while file is not None and not _is_locked(file):
                if time.monotonic() > deadline:
                    raise _too_late()
                time.sleep(ASK_SECONDS)
            yield max(0, deadline - time.monotonic())
    finally:
        threads.release()


@contextmanager
def _opened(path: str) -> Iterator[int | None]:
    """Yield the open file, or None if it can't be opened. BEGIN then reports what is wrong."""
    file = None
    with suppress(OSError):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        yield file
    finally:
        if file is not None:
            os.close(file)


def _is_locked(file: int) -> bool:
    """Return whether this process has the lock now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _too_late() -> OperationalError:
    return OperationalError("Other transactions have kept the database's write lock for too long.")
