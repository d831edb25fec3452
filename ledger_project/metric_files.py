"""
The files of ``PROMETHEUS_MULTIPROC_DIR``, which a full disk must not turn into a crash.

prometheus_client maps files that have no blocks on the disk yet. If the disk is full, the first
write to a page of such a file ends the process with SIGBUS, which no ``except`` can catch.
"""

import logging
import os
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

# In bytes: the initial size of prometheus_client's files, and more than it stores for a key besides
# the key itself.
INITIAL_SIZE, OVERHEAD = 64 * 1024, 32

logger = logging.getLogger("ledger.metrics")


class ReservedFile(MmapedDict):
    """
    The values of one process, in a file whose blocks are reserved before they are written.

    While there is no space, a value only exists in the memory of the process. Its whole total is
    written as soon as there is space again.
    """

    def __init__(self, filename: str) -> None:
        self._filename, self._has_failed = filename, False
        # The file is opened for the first value.
        self._f: Any = None
        self._m: Any = None
        self._used = self._capacity = 0
        self._positions: dict[str, int] = {}

    def read_value(self, key: str) -> tuple[float, float]:
        try:
            return super().read_value(key)
        except OSError as error:
            self._warn(error)
            return 0.0, 0.0

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        try:
            super().write_value(key, value, timestamp)
        except OSError as error:
            self._warn(error)

    def _init_value(self, key: str) -> None:
        if self._m is None:
            self._open()
        size = self._capacity
        while self._used + len(key.encode()) + OVERHEAD > size:
            size *= 2
        if size > self._capacity:
            _reserve(self._f.fileno(), size)
        super()._init_value(key)
        self._has_failed = False

    def _open(self) -> None:
        os.makedirs(os.path.dirname(self._filename), exist_ok=True)
        with open(self._filename, "ab") as file:
            size = os.fstat(file.fileno()).st_size
            try:
                _reserve(file.fileno(), size or INITIAL_SIZE)
            except OSError:
                if not size:
                    # A scrape can't read an empty file.
                    os.unlink(self._filename)
                raise
        super().__init__(self._filename)

    def _warn(self, error: OSError) -> None:
        if not self._has_failed:
            logger.warning("could not write metrics to %s: %s", self._filename, error.strerror)
        self._has_failed = True


def _reserve(file: int, size: int) -> None:
    # macOS doesn't have it.
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)


def reserve_files() -> None:
    """Let prometheus_client use these files. Call this before the first metric is created."""
    values.MmapedDict = ReservedFile  # type: ignore[misc, assignment]
