"""Django's migrate, with a lock, because replicas that start together each run it."""

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

# The id of the advisory lock: any number that nothing else uses.
ADVISORY_LOCK = int.from_bytes(b"ledger", "big")

# How long to wait for the lock on SQLite, and how often to try to acquire it on PostgreSQL.
PATIENCE_SECONDS = 120
ASK_EVERY_SECONDS = 0.1


class Command(migrate.Command):
    help = f"{migrate.Command.help} Safe to run in several processes at once."

    def execute(self, *args: Any, **options: Any) -> str | None:
        connection = connections[options["database"]]
        # Includes the system checks, which open the database and may read its tables.
        with _may_create_file(connection), migrating_alone(connection):
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        require_no_earlier_version(connection)
        only_looks = options["plan"] or options["check_unapplied"]
        if connection.vendor == "postgresql" and not only_looks:
            # Before the migrations, which insert rows, at least to record themselves.
            for table in raise_sequences(connection):
                if options["verbosity"]:
                    self.stdout.write(
                        f"Advanced the sequence of {table}, which was behind its ids."
                    )
        super().handle(*args, **options)

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        # Without checks of the database: they would report missing or outdated guards, which this
        # command installs.
        return super().get_check_kwargs(options) | {"databases": None}


def migrating_alone(connection: BaseDatabaseWrapper) -> AbstractContextManager[None]:
    """Return a context manager that lets only one process at a time migrate the database."""
    if connection.vendor == "postgresql":
        return _advisory_lock(connection)
    # Other processes can't access a database in memory. If there is none, Django says so later.
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return nullcontext()
    return _sidecar_lock(f"{connection.settings_dict['NAME']}.migrate-lock")


@contextmanager
def _may_create_file(connection: BaseDatabaseWrapper) -> Iterator[None]:
    # Read by our SQLite backend, which otherwise doesn't create files.
    connection.may_create_file = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.may_create_file = False  # type: ignore[attr-defined]


@contextmanager
def _advisory_lock(connection: BaseDatabaseWrapper) -> Iterator[None]:
    # A separate connection holds the lock while migrations commit, and the server releases it if
    # this process dies. In a transaction, because PgBouncer may give the session to another client
    # between two transactions.
    with closing(connection.copy()) as guard, guard.cursor() as cursor:
        guard.set_autocommit(False)
        # PgBouncer doesn't pass on that commands have no timeouts.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        # Polls, because a waiting statement would block a CREATE INDEX CONCURRENTLY in the other
        # process's migration. Between two statements the transaction has no snapshot.
        while not _try_lock(cursor):
            time.sleep(ASK_EVERY_SECONDS)
        yield


def _try_lock(cursor: Any) -> bool:
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
    return cursor.fetchone()[0]


@contextmanager
def _sidecar_lock(path: str) -> Iterator[None]:
    # A file beside the database, because migrations acquire and release the database's own lock.
    with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS)) as guard:
        try:
            guard.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise CommandError(
                f"Can't lock {path}: {error}. Is another process migrating this database?"
            ) from error
        yield
