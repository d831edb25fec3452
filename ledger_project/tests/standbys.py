"""A real primary with a hot standby, for tests of what the standby shows."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Self

import psycopg

from ledger_project.server.tests.sockets import wait_until
from ledger_project.tests.kill_victims import MortalPostgres
from ledger_project.tests.postgresql_servers import connected_to, manage, superuser


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
            with closing(primary.standby(synchronous=False)) as standby:
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
