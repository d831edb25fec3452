"""The ledgers of this process. Their file is read again when it changes."""

import logging
import os
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from threading import Lock

from django.conf import settings
from django.http import HttpRequest
from environs import ValidationError

from ledger_project.ledgers.file import Ledger, read
from ledger_project.ledgers.hosts import host_of
from ledger_project.ledgers.pool import pool

# How often to look whether the file has changed, in seconds.
LOOK_EVERY_SECONDS = 1.0

# What changes when a file is replaced or written.
Identity = tuple[int, ...] | None

logger = logging.getLogger("ledger.ledgers")


class Registry:
    """
    The ledgers of a file.

    A file that can't be read or is invalid is logged, and the ledgers stay as they were. At the
    start of the process, the settings have refused such a file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ledgers: dict[str, Ledger] = {}
        self._lock = Lock()
        self._identity: Identity = None
        self._look()

    def all(self) -> Mapping[str, Ledger]:
        """Return the ledgers by host."""
        if time.monotonic() >= self._next_look and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._ledgers

    def of(self, request: HttpRequest) -> Ledger | None:
        """Return the ledger that a request is for, or None if its host has none."""
        return self.all().get(host_of(request.META.get("HTTP_HOST", "")))

    def _look(self) -> None:
        self._next_look = time.monotonic() + LOOK_EVERY_SECONDS
        identity = _identity(self._path)
        if identity == self._identity and self._ledgers:
            return
        self._identity = identity
        try:
            found = read(self._path, settings.BASE_DIR, is_command=settings.IS_COMMAND)
        except ValidationError as error:
            logger.error("kept the ledgers: LEDGER_LEDGERS %s", "; ".join(map(str, error.messages)))
            return
        if self._ledgers:
            _log_changes(self._ledgers, found)
        # First, so that Django doesn't refuse the hosts of new ledgers. A new list, because other
        # threads may be reading the old one.
        settings.ALLOWED_HOSTS = [*found, *settings.OTHER_HOSTS]
        self._ledgers = found
        pool.keep_only(found.values())


@cache
def _registry(path: str) -> Registry:
    return Registry(settings.BASE_DIR / path)


def registry() -> Registry:
    """Return the ledgers of ``LEDGER_LEDGERS``."""
    return _registry(settings.LEDGERS)


def _log_changes(old: Mapping[str, Ledger], new: Mapping[str, Ledger]) -> None:
    logger.info(
        "read the ledgers again: added %s; removed %s; moved %s",
        _names(host for host in new if host not in old),
        _names(host for host in old if host not in new),
        _names(host for host in new if host in old and new[host] != old[host]),
    )


def _names(hosts: Iterable[str]) -> str:
    return ", ".join(hosts) or "none"


def _identity(path: Path) -> Identity:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
