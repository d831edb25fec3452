"""A real primary with a hot standby, for tests of what the standby shows."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Self

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ledger_project.server.tests.sockets import wait_until
from ledger_project.tests.kill_victims import MortalPostgres
from ledger_project.tests.postgresql_servers import connected_to, manage, superuser
from tools.with_postgres import Server


class Standby(MortalPostgres):
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
        place = conninfo_to_dict(self.primary.url)
        self.url = f"postgresql://ledger:{place['password']}@127.0.0.1:{port}/ledger"


class Pair:
    """A primary with a migrated database, and its standby."""

    def __init__(self, primary: MortalPostgres, standby: MortalPostgres) -> None:
        self.primary, self.standby = primary, standby

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start both servers, and stop them at the end."""
        with closing(MortalPostgres(fsync="off")) as primary:
            assert manage(primary.url, "migrate", "--verbosity", "0").returncode == 0
            with closing(Standby(primary)) as standby:
                yield cls(primary, standby)

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
