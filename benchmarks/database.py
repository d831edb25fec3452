"""A database on the PostgreSQL server of the run."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from benchmarks.load import BenchmarkError

PATIENCE_SECONDS = 60


@dataclass
class Database:
    """A new database on the PostgreSQL server with the URL ``cluster``."""

    cluster: str
    name: str

    @property
    def database(self) -> str:
        """The URL of the database."""
        return urlsplit(self.cluster)._replace(path=f"/{self.name}").geturl()

    def create(self, template: str | None = None) -> None:
        """Create the database, as a copy of ``template`` if given."""
        like = f" TEMPLATE {template}" if template else ""
        with psycopg.connect(self.cluster, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.name}{like}")

    def run(self, script: bytes) -> None:
        """Run an SQL script in one transaction."""
        with psycopg.connect(self.database) as connection:
            connection.execute(script)

    def rows(self, query: str, *parameters: Any) -> list[tuple]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query, parameters).fetchall()

    def tidy(self) -> None:
        """Update PostgreSQL's statistics, which it otherwise does after a while."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def count(self, query: str) -> int:
        """Return the number that a query finds, after all requests have ended."""
        busy = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state <> 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.rows(busy) != [(0,)]:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"The server of {self.name} does not come to rest.")
            time.sleep(0.05)
        return int(self.rows(query)[0][0])

    def postmaster(self) -> int:
        """Return the process id of the PostgreSQL server, the parent of all its processes."""
        with psycopg.connect(self.database) as connection:
            return psutil.Process(connection.info.backend_pid).ppid()
