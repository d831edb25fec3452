"""A real primary with a hot standby, for tests of what the standby shows."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

import psycopg
from psycopg.conninfo import make_conninfo

from ledger_project.server.tests.sockets import wait_until
from ledger_project.tests.postgresql_servers import connected_to, manage, superuser
from tools.with_postgres import Server

AnyServer = TypeVar("AnyServer", bound=Server)


@contextmanager
def migrated_primary(kind: type[AnyServer] = Server) -> Iterator[AnyServer]:
    """Start a server with a migrated database, and stop it at the end."""
    with closing(kind(fsync="off")) as server:
        assert manage(server.url, "migrate", "--verbosity", "0").returncode == 0
        yield server


class Standby(Server):
    """A hot standby of another server."""

    def __init__(self, primary: Server) -> None:
        self.primary = primary
        super().__init__()

    def _create(self, port: str, password: str, settings: dict[str, str]) -> None:
        source = superuser(self.primary.url)
        self._run("pg_basebackup", "-D", "data", "--write-recovery-conf", "-X", "stream", "-c",
                  "fast", "--no-sync", "-d", source)  # fmt: skip
        with (self.directory / "data" / "postgresql.auto.conf").open("a") as conf:
            conf.write(f"port = {port}\n")
        self.start()
        self.url = make_conninfo(self.primary.url, port=port)


class Pair:
    """A primary and its standby."""

    def __init__(self, primary: Server, standby: Server) -> None:
        self.primary, self.standby = primary, standby

    @contextmanager
    def on_primary(self) -> Iterator[None]:
        """Let the service use the primary."""
        with connected_to(self.primary.url):
            yield

    @contextmanager
    def on_standby(self) -> Iterator[None]:
        """Let the service use the standby, once it has replayed everything."""
        self.catch_up()
        with self.on_standby_as_it_is():
            yield

    @contextmanager
    def on_standby_as_it_is(self) -> Iterator[None]:
        """Let the service use the standby, whatever it has replayed."""
        with connected_to(self.standby.url):
            yield

    def catch_up(self) -> None:
        """Wait until the standby has replayed what is committed."""
        with psycopg.connect(self.primary.url, autocommit=True) as session:
            [flushed] = session.execute("SELECT pg_current_wal_flush_lsn()").fetchone() or [None]
        with psycopg.connect(self.standby.url, autocommit=True) as session:
            query = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            wait_until(lambda: session.execute(query, [flushed]).fetchone() == (True,))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause the replay, after what is committed so far."""
        self.catch_up()
        with psycopg.connect(superuser(self.standby.url), autocommit=True) as session:
            session.execute("SELECT pg_wal_replay_pause()")
            state = "SELECT pg_get_wal_replay_pause_state()"
            wait_until(lambda: session.execute(state).fetchone() == ("paused",))
            try:
                yield
            finally:
                session.execute("SELECT pg_wal_replay_resume()")
