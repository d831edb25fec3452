"""A database of the ledger, and a server that uses it."""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from dotenv import dotenv_values

from benchmarks.load import BenchmarkError
from tools.with_postgres import free_port

ROOT = Path(__file__).parent.parent

# Waits until its standard input is closed, which happens even if this process is killed, and then
# stops the server.
JANITOR = 'read -r _; kill "$0"'
PATIENCE_SECONDS = 60
# In seconds. Access tokens are valid for 5 minutes.
TOKENS_GOOD_FOR_SECONDS = 150


@dataclass
class Ledger:
    """A new database on the PostgreSQL server with the URL ``cluster``."""

    cluster: str
    name: str
    folder: Path
    keys: dict[str, str]
    url: str = field(init=False, default="")
    _pid: int = field(init=False, default=0)
    _tokens_at: float = field(init=False, default=0.0)

    @property
    def database(self) -> str:
        """The URL of the database."""
        return urlsplit(self.cluster)._replace(path=f"/{self.name}").geturl()

    def create(self, template: str | None = None) -> None:
        """Create the database, as a copy of ``template`` if given."""
        like = f" TEMPLATE {template}" if template else ""
        with psycopg.connect(self.cluster, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.name}{like}")

    def manage(self, *arguments: str, quiet: bool = True) -> str:
        """Run manage.py on the database, with a progress bar unless ``quiet``."""
        return self._python("manage.py", *arguments, quiet=quiet)

    def inside(self, *arguments: str) -> Any:
        """Run ``insider.py`` and return its output."""
        return json.loads(self._python("-m", "benchmarks.insider", *arguments))

    def tidy(self) -> None:
        """Update PostgreSQL's statistics, which it otherwise does after a while."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def rows(self, query: str, *parameters: Any) -> list[tuple]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query, parameters).fetchall()

    def entries(self) -> int:
        """Return the number of customers' entries, after all requests have ended."""
        busy = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state <> 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.rows(busy) != [(0,)]:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"The server of {self.name} does not come to rest.")
            time.sleep(0.05)
        return int(self.rows("SELECT sum(version) FROM accounts_account")[0][0])

    def tokens(self) -> Path:
        """Return the path of a file with tokens of the users, which are renewed in time."""
        path = self.folder / f"{self.name}.tokens"
        if not self._tokens_at or time.monotonic() > self._tokens_at + TOKENS_GOOD_FOR_SECONDS:
            self._tokens_at = time.monotonic()
            path.write_text("\n".join(self.inside("tokens")) + "\n")
        return path

    @contextmanager
    def served(self) -> Iterator["Ledger"]:
        """Run the server, as `make run` does, on a free port."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        start = [sys.executable, "-m", "ledger_project.server", "--port", str(port)]
        with (self.folder / f"{self.name}.log").open("w+") as log:
            own: dict[str, Any] = {"stdout": log, "stderr": log, "start_new_session": True}
            server = subprocess.Popen(start, cwd=ROOT, env=self._env(), **own)
            self._pid = server.pid
            janitor = subprocess.Popen(
                ["sh", "-c", JANITOR, str(server.pid)], stdin=subprocess.PIPE, **own
            )
            try:
                self._wait_until_ready(server, log)
                yield self
            finally:
                janitor.communicate()
                try:
                    server.wait(PATIENCE_SECONDS)
                except subprocess.TimeoutExpired:
                    os.killpg(server.pid, 9)
                    server.wait()

    def worker_megabytes(self) -> list[float]:
        """Return the memory of each worker, with shared pages counted in part (Linux only)."""
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
        summaries = [Path(f"/proc/{child}/smaps_rollup").read_text() for child in children]
        return [int(text.partition("\nPss:")[2].split()[0]) / 1024 for text in summaries]

    def _wait_until_ready(self, server: subprocess.Popen, log: Any) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while server.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        log.seek(0)
        raise BenchmarkError(f"The server does not start:\n{log.read()[-4000:]}")

    def _python(self, *arguments: str, quiet: bool = True) -> str:
        errors = subprocess.PIPE if quiet else None
        command = [sys.executable, *arguments]
        ran = subprocess.run(
            command, cwd=ROOT, env=self._env(), stdout=subprocess.PIPE, stderr=errors, text=True
        )
        if ran.returncode:
            raise BenchmarkError(f"{' '.join(arguments)}:\n{ran.stdout[-4000:]}{ran.stderr or ''}")
        return ran.stdout

    def _env(self) -> dict[str, str]:
        # The documented defaults, so that the environment and .env don't matter.
        given = {k: v for k, v in os.environ.items() if not k.startswith("LEDGER_")}
        defaults = {k: v or "" for k, v in dotenv_values(ROOT / ".env.example").items()}
        return {**given, **defaults, **self.keys, "LEDGER_DATABASE_URL": self.database}


def random_keys() -> dict[str, str]:
    """Return the keys of a run."""
    names = ("LEDGER_SECRET_KEY", "LEDGER_JWT_SIGNING_KEY")
    return {name: secrets.token_urlsafe(48) for name in names}
