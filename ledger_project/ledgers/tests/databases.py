"""Databases for several ledgers: copies of another one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from ledger_project.tests.postgresql_servers import url_of

CLOSE_SESSIONS = (
    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
    " WHERE datname = %s AND backend_type = 'client backend'"
)


@contextmanager
def copies(source: str, names: list[str], folder: Path) -> Iterator[list[str]]:
    """Copy the database with this URL, and yield the URLs of the copies."""
    if source.startswith("sqlite"):
        with closing(sqlite3.connect(source.removeprefix("sqlite:///"))) as session:
            for name in names:
                session.execute("VACUUM INTO ?", [f"{folder}/{name}.db"])
        yield [f"sqlite:///{folder}/{name}.db" for name in names]
        return
    copied = urlsplit(source).path.removeprefix("/")
    with psycopg.connect(url_of(source, "postgres"), autocommit=True) as session:
        for name in names:
            # Nobody may be connected to what is copied.
            session.execute(CLOSE_SESSIONS, [copied])
            session.execute(f'CREATE DATABASE "{name}" TEMPLATE "{copied}"')
        try:
            yield [url_of(source, name) for name in names]
        finally:
            for name in names:
                session.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def write(file: Path, ledgers: dict[str, str]) -> None:
    """Write the file of ``LEDGER_LEDGERS``, as an operator should: replace it at once."""
    new = file.with_suffix(".new")
    new.write_text("".join(f'"{host}" = "{url}"\n' for host, url in ledgers.items()))
    new.replace(file)
