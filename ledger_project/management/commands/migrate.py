"""Django's migrate, one process at a time: replicas that start together each run it."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from database.postgresql.sequences import raise_sequences
from ledger_project.earlier_versions import require_no_earlier_version

# Any number that nobody else locks; these letters are "ledger".
ADVISORY_LOCK = int.from_bytes(b"ledger", "big")

# How long SQLite's users wait for each other, and how often PostgreSQL's ask.
PATIENCE_SECONDS = 120
ASK_EVERY_SECONDS = 0.1


class Command(migrate.Command):
    help = f"{migrate.Command.help} Safe to run in several processes at once."

    def execute(self, *args: Any, **options: Any) -> str | None:
        connection = connections[options["database"]]
        # Around the system checks too: they open the database, and may look at its tables.
        with _may_create_file(connection), migrating_alone(connection):
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        require_no_earlier_version(connection)
        only_looks = options["plan"] or options["check_unapplied"]
        if connection.vendor == "postgresql" and not only_looks:
            # First, because migrations insert rows too, if only to record themselves.
            for table in raise_sequences(connection):
                if options["verbosity"]:
                    self.stdout.write(f"The sequence of {table} was behind its ids: raised.")
        super().handle(*args, **options)

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        # Not of the database: a guard that it lacks, or has from an earlier release, is what this
        # command installs.
        return super().get_check_kwargs(options) | {"databases": None}


def migrating_alone(connection: BaseDatabaseWrapper) -> AbstractContextManager[None]:
    """Return a context in which no other process migrates the database of ``connection``."""
    if connection.vendor == "postgresql":
        return _advisory_lock(connection)
    if connection.is_in_memory_db():  # type: ignore[attr-defined]  # SQLite's wrapper has it
        # Nobody else can see it.
        return nullcontext()
    return _sidecar_lock(f"{connection.settings_dict['NAME']}.migrate-lock")


@contextmanager
def _may_create_file(connection: BaseDatabaseWrapper) -> Iterator[None]:
    # SQLite's wrapper makes no file but here; PostgreSQL's has none to make.
    connection.may_create_file = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.may_create_file = False  # type: ignore[attr-defined]


@contextmanager
def _advisory_lock(connection: BaseDatabaseWrapper) -> Iterator[None]:
    # A connection of its own: it holds the lock however often migrations commit, and the server
    # frees it if this process dies.
    with closing(connection.copy()) as guard, guard.cursor() as cursor:
        # Asked again and again, because a waiting statement would hold up CREATE INDEX
        # CONCURRENTLY in the migration that it waits for.
        while not _try_lock(cursor):
            time.sleep(ASK_EVERY_SECONDS)
        yield


def _try_lock(cursor: Any) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
    return cursor.fetchone()[0]


@contextmanager
def _sidecar_lock(path: str) -> Iterator[None]:
    # A file beside the database, because migrations take and free the database's own lock.
    with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS)) as guard:
        try:
            guard.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise CommandError(f"Cannot lock {path}: {error}.") from error
        yield
