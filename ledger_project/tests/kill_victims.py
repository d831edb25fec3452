"""Servers that tests kill with SIGKILL and restart: the application server and PostgreSQL."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.conf import settings

from ledger_project.tests.live import HOST, LiveServer
from tools.with_postgres import Server

RECOVERY_SECONDS = 60
USER, PASSWORD = "teller", "a password of the kill run"

# Waits until its standard input is closed, which happens even if this process is killed, and then
# kills the process group.
JANITOR = 'read -r _; kill -s KILL -- "-$0"'

# Another connection, preferably one that isn't idle.
OTHER_BACKENDS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
    ORDER BY state = 'idle', random() LIMIT 1
"""


class Mortal:
    """A process in its own group, which is killed as a whole, at the latest with this process."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self._janitor = subprocess.Popen(
            ["/bin/sh", "-c", JANITOR, str(self.process.pid)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def close(self) -> None:
        """Kill it."""
        self._janitor.communicate()
        self.process.wait()


class MortalServer(LiveServer):
    """The application server, which can be killed together with its workers."""

    def __init__(self, directory: Path, **environment: str) -> None:
        super().__init__(**environment)
        self.log = directory / "server.log"

    def start(self) -> None:
        self._mortal = Mortal(self.command(), self.environment, self.log)
        self.process = self._mortal.process
        self.wait_until_ready()

    def kill(self) -> None:
        self._mortal.close()

    def kill_worker(self, dice: random.Random) -> None:
        """Kill one worker, which the server replaces."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while not (workers := self.workers()):
            if self.process.poll() is not None:
                return  # The whole server has ended. `Service.revive` starts it again.
            if time.monotonic() > deadline:
                raise TimeoutError("no worker came back")
            time.sleep(0.02)
        _kill(dice.choice(workers))

    def kill_every_worker(self) -> None:
        """Kill each current worker once."""
        for victim in self.workers():
            _kill(victim)


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


class MortalPostgres(Server):
    """A PostgreSQL whose postmaster can be killed, and started again on the same data."""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the postmaster only."""
        assert self._server is not None
        self._server.send_signal(number)

    def kill(self) -> None:
        assert self._server is not None
        self._server.kill()
        self._server.wait()

    def fail(self) -> None:
        """Kill the server and its sessions at once, as if their machine had failed."""
        assert self._server is not None
        sessions = psutil.Process(self._server.pid).children(recursive=True)
        self.kill()
        for session in sessions:
            with suppress(psutil.NoSuchProcess):
                session.kill()

    def restart(self) -> None:
        """Stop the server as an administrator would (fast shutdown), and start it again."""
        assert self._server is not None
        self._server.send_signal(signal.SIGINT)
        self._server.wait()
        self.start_again()

    def start_again(self) -> None:
        """Start the server, once the children of the killed one have released shared memory."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                return self.start()
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


class Service:
    """The application server with its own SQLite file, and the ways to kill it."""

    def __init__(self, directory: Path, seed: int, **environment: str) -> None:
        self.dice, self.directory = random.Random(seed), directory
        self.url = self.create_database(directory)
        self.server = MortalServer(
            directory,
            **{"LEDGER_DATABASE_URL": self.url, "LEDGER_LOGIN_RATE": "100000/minute"},
            **{"LEDGER_WEBHOOK_ALLOWED_HOSTS": HOST},
            **environment,
        )
        self.strikes: dict[str, Callable[[], None]] = {
            "worker": lambda: self.server.kill_worker(self.dice),
            "server": self._kill_server,
        }

    def start(self) -> None:
        """Migrate the database, make a user, and serve."""
        self.manage("migrate", "--verbosity", "0")
        self.manage("createsuperuser", "--no-input", "--username", USER, "--email", "")
        self.server.start()

    def close(self) -> None:
        """Stop all processes."""
        if hasattr(self.server, "process"):
            self.server.kill()

    def prepare(self) -> None:
        """Wait until the service can survive a kill."""

    def revive(self) -> bool:
        """Restart the server if it has ended by itself, and return whether it had."""
        if self.server.process.poll() is None:
            return False
        self._kill_server()
        return True

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py on the database."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env={**self.server.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=arguments[0] != "verify_ledger",
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, or no rows while the database is unavailable."""
        with closing(sqlite3.connect(self._file, timeout=20)) as connection, connection:
            try:
                return connection.execute(sql).fetchall()
            except sqlite3.OperationalError:
                return []

    def create_database(self, directory: Path) -> str:
        self._file = directory / "kill.db"
        return f"sqlite:///{self._file}"

    def _kill_server(self) -> None:
        self.server.kill()
        self.server.start()


class PostgresService(Service):
    """The application server with its own PostgreSQL, whose processes are killed too."""

    def __init__(self, directory: Path, seed: int, **environment: str) -> None:
        super().__init__(directory, seed, **environment)
        self.strikes |= {
            "terminated connection": lambda: self._strike_backend(kill=False),
            "backend": lambda: self._strike_backend(kill=True),
            "postmaster": self._kill_postmaster,
        }

    def close(self) -> None:
        super().close()
        self.postgres.close()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url) as connection:
            return connection.execute(sql).fetchall()
        return []

    def create_database(self, directory: Path) -> str:
        self.postgres = MortalPostgres(fsync="on", max_prepared_transactions="1")
        return self.postgres.url

    def _strike_backend(self, kill: bool) -> None:
        deadline = time.monotonic() + RECOVERY_SECONDS
        while not (backends := self.query(OTHER_BACKENDS)):
            if time.monotonic() > deadline:
                raise TimeoutError("no other session connected to the database")
            time.sleep(0.02)
        [(pid,)] = backends
        if not kill:
            self.query(f"SELECT pg_terminate_backend({pid})")
            return
        # If a backend is killed, the postmaster ends all sessions and recovers.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _kill_postmaster(self) -> None:
        self.postgres.kill()
        self.postgres.start_again()


@contextmanager
def running(database: str, directory: Path, seed: int, **environment: str) -> Iterator[Service]:
    """Run a service on ``database``, "sqlite" or "postgresql", until the block ends."""
    kind = {"sqlite": Service, "postgresql": PostgresService}[database]
    with closing(kind(directory, seed, **environment)) as service:
        service.start()
        yield service
