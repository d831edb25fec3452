"""
Lines of the log in place of everything else that a process prints.

The logging of ``logs.py`` writes JSON. But Python, and libraries, also print: the reason why the
service can't start, an exception that nobody handled, a usage message. The server and the deliverer
call ``as_log_lines`` when they start, so that a collector of their output finds only JSON.
"""

import io
import json
import logging
import os
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from api.instants import instant

logger = logging.getLogger("ledger.process")


class LogLines(io.TextIOBase):
    """A stream that writes each line printed to it as a line of the log."""

    def __init__(self, stream: TextIO, level: str) -> None:
        # Read by `logs.py`, whose lines are complete already.
        self.unchanged = stream
        self._level = level
        self._rest = ""
        # A signal handler may print while the same thread is printing.
        self._lock = threading.RLock()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.unchanged.fileno()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in filter(str.strip, lines):
                self.unchanged.write(f"{self._in_json(line)}\n")
            if lines:
                self.unchanged.flush()
        return len(text)

    def close(self) -> None:
        if self._rest:
            self.write("\n")
        super().close()

    def flush(self) -> None:
        self.unchanged.flush()

    def _in_json(self, line: str) -> str:
        # The settings may not have been read yet.
        app = os.environ.get("LEDGER_APP_NAME") or "Mini Ledger API"
        return json.dumps(
            {
                "app": app,
                "event": line.rstrip(),
                "level": self._level,
                "logger": logger.name,
                "timestamp": instant(datetime.now(UTC)),
            }
        )


def as_log_lines() -> None:
    """Write what this process prints as lines of the log, except on a terminal."""
    if sys.stderr.isatty():
        return
    sys.stderr = LogLines(sys.stderr, "error")
    if not sys.stdout.isatty():
        sys.stdout = LogLines(sys.stdout, "info")
    sys.excepthook = _log_exception
    threading.excepthook = _log_exception_of_thread


def _log_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if not logging.getLogger().handlers:
        # The logging isn't configured yet. This prints one line of the log for each line.
        sys.__excepthook__(kind, error, trace)
        return
    logger.critical("uncaught exception", exc_info=(kind, error, trace))


def _log_exception_of_thread(args: Any) -> None:
    raised = args.exc_type, args.exc_value, args.exc_traceback
    logger.error("uncaught exception in a thread", exc_info=raised)
