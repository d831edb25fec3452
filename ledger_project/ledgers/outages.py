"""
Databases that can't be reached must not occupy the threads that all ledgers share.

An attempt to connect may take seconds. While one ledger's database is away, one thread at a time
tries, and the others get its last error at once.
"""

import time
from threading import Lock

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from database.exceptions import UnusableDatabase
from ledger_project.ledgers.file import Ledger

# How long after an attempt that failed nobody tries again, in seconds.
RETRY_SECONDS = 1.0
# How long the others leave an attempt to the thread that makes it. Longer than it can take.
ATTEMPT_SECONDS = 60.0


class Outages:
    """The ledgers whose databases could not be reached the last time."""

    def __init__(self) -> None:
        self._lock = Lock()
        # The error of the last attempt, and until when nobody tries again.
        self._down: dict[Ledger, tuple[Exception, float]] = {}

    def watch(self, ledger: Ledger, connection: BaseDatabaseWrapper) -> None:
        """Let this connection be opened only if its database can probably be reached."""
        connect = connection.connect

        def connect_unless_down() -> None:
            self._require_up(ledger)
            try:
                connect()
            except Exception as error:
                # An error of the driver, which Django turns into its own later.
                with self._lock:
                    self._down[ledger] = error, time.monotonic() + RETRY_SECONDS
                raise
            with self._lock:
                self._down.pop(ledger, None)

        connection.connect = connect_unless_down  # type: ignore[method-assign]

    def _require_up(self, ledger: Ledger) -> None:
        with self._lock:
            if ledger not in self._down:
                return
            error, until = self._down[ledger]
            now = time.monotonic()
            if now < until:
                is_own = isinstance(error, UnusableDatabase)
                raise (UnusableDatabase if is_own else OperationalError)(str(error))
            # This thread tries.
            self._down[ledger] = error, now + ATTEMPT_SECONDS
