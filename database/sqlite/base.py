"""The backend. Django requires a module of this name for ``DATABASES["ENGINE"]``."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from database.exceptions import UnusableDatabase
from database.sqlite.turns import turn

# The device and inode of a file, or None if it doesn't exist.
Identity = tuple[int, int] | None


class DatabaseWrapper(base.DatabaseWrapper):
    """
    Django's backend, which notices if its file is deleted, moved or replaced.

    SQLite doesn't notice it. It continues to write to a deleted file, and commits are lost when the
    process ends. It also creates an empty file if there is none.

    Transactions also begin in turn: see ``turns``.
    """

    # Only `manage.py migrate` creates a file. Elsewhere, a missing file is an error.
    may_create_file = False

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        if not self.is_in_memory_db() and not self.may_create_file:
            params["database"] = self._uri()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        try:
            connection = super().get_new_connection(conn_params)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise UnusableDatabase("The file is not a SQLite database.") from error
            if os.path.isdir(self.settings_dict["NAME"]):
                raise UnusableDatabase("The database's file is a directory.") from error
            if not os.path.exists(self.settings_dict["NAME"]):
                raise UnusableDatabase(
                    "The database's file doesn't exist. Restore it, or create an empty ledger with"
                    " `manage.py migrate`."
                ) from error
            raise
        [encoding] = connection.execute("PRAGMA encoding").fetchone()
        if encoding != "UTF-8":
            connection.close()
            raise UnusableDatabase(f"The database's encoding is {encoding}; it must be UTF-8.")
        # The first read creates the WAL file, unless another connection has.
        connection.execute("PRAGMA user_version").fetchone()
        self._paths = self._paths_now()
        self._files = [_identity(path) for path in self._paths]
        self._turns = f"{os.path.realpath(self.settings_dict['NAME'])}-turn"
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        begin = super()._start_transaction_under_autocommit  # type: ignore[misc]  # no stub
        if self.is_in_memory_db():
            begin()
            return
        seconds = self.settings_dict["OPTIONS"]["timeout"]
        with turn(self._turns, seconds) as left:
            self._wait_for_locks(left)
            try:
                begin()
            finally:
                self._wait_for_locks(seconds)

    def _wait_for_locks(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")

    def is_usable(self) -> bool:
        """Return whether the connection can take another request. Called once for each."""
        return self._files == [_identity(path) for path in self._paths]

    def commit(self) -> None:
        super().commit()
        # After the commit, so that a commit to a deleted file isn't acknowledged.
        if self.connection is not None and not self.is_usable():
            raise UnusableDatabase("The database's file was deleted, moved or replaced.")

    def why_no_writes(self) -> str | None:
        """Return a sentence that says why the database can't be written to, or None if it can."""
        if self.is_in_memory_db():
            return None
        # A separate connection that doesn't wait for the lock: if it is held, writes are possible.
        with closing(
            sqlite3.connect(self._uri(), uri=True, timeout=0, isolation_level=None)
        ) as probe:
            try:
                probe.execute("DELETE FROM django_migrations WHERE FALSE")
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    return f"The database's file can't be written to: {error}."
        return None

    def _uri(self) -> str:
        return f"{Path(self.settings_dict['NAME']).absolute().as_uri()}?mode=rw"

    def _paths_now(self) -> list[str]:
        if self.is_in_memory_db():
            return []
        name = self.settings_dict["NAME"]
        # SQLite keeps these two beside the file itself, not beside a symbolic link to it. They
        # exist while a connection is open.
        beside = os.path.realpath(name)
        return [name, f"{beside}-wal", f"{beside}-shm"]


def _identity(path: str) -> Identity:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
