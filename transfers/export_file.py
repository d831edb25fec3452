"""Temporary files for exports, with limits on their number and total size."""

from io import BufferedRandom
from tempfile import TemporaryFile
from threading import Lock
from typing import Any

from api.exceptions import TemporarilyUnavailable

# The limits of one process. An export counts from its first line until it is sent or aborted.
FILES = 32
BYTES = 256 * 1024 * 1024


class TooManyExports(TemporarilyUnavailable):
    detail = "Too many exports are in progress. Retry later."


class NoRoomForExport(TemporarilyUnavailable):
    detail = "There is no room for this export. Retry later or narrow the range."


class ExportFile(BufferedRandom):
    """
    An unnamed temporary file that counts towards the limits until it is closed.

    :raises TooManyExports: if ``FILES`` of them are open already
    :raises NoRoomForExport: on a write, if all open files together would exceed ``BYTES``
    """

    # The number and total size of all open export files.
    files = bytes = 0
    _lock = Lock()

    def __init__(self) -> None:
        self._size, self._counts = 0, False
        super().__init__(TemporaryFile(buffering=0))  # noqa: SIM115 -- closed as this is
        try:
            self._count(1, 0)
        except TooManyExports:
            self.close()
            raise
        self._counts = True

    def write(self, data: Any) -> int:
        self._count(0, len(data))
        self._size += len(data)
        return super().write(data)

    def close(self) -> None:
        try:
            # Fails once more if the disk is full, because it writes what is buffered.
            super().close()
        finally:
            if self._counts:
                self._counts = False
                self._count(-1, -self._size)

    @classmethod
    def _count(cls, files: int, size: int) -> None:
        with cls._lock:
            if files > 0 and cls.files + files > FILES:
                raise TooManyExports()
            if size > 0 and cls.bytes + size > BYTES:
                raise NoRoomForExport()
            cls.files += files
            cls.bytes += size
