"""A service whose PostgreSQL has a standby, to which it fails over without being restarted."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ledger_project.server.tests.sockets import wait_until
from ledger_project.tests.kill_run import KillRun
from ledger_project.tests.kill_victims import MortalPostgres, PostgresService
from ledger_project.tests.live import HOST, PATIENCE
from ledger_project.tests.postgresql_servers import superuser
from tools.with_postgres import Server, free_port

HAS_EVERYTHING = "SELECT flush_lsn >= pg_current_wal_lsn() FROM pg_stat_replication"
RELOAD = "SELECT pg_reload_conf()"

# The sessions whose commit waits for the standby.
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


class FailoverService(PostgresService):
    """The application server with two PostgreSQL servers, of which one may be a standby."""

    standby: MortalPostgres | None = None

    def add_standby(self, *, synchronous: bool) -> None:
        """Start a standby, on the port of the server that isn't the primary."""
        [port] = self._ports - {self.postgres.port}
        self.standby = self.postgres.standby(synchronous=synchronous, port=port)

    def remove_standby(self) -> None:
        """Stop the standby if there is one. The primary no longer waits for it."""
        if self.standby is not None:
            ask(self.postgres, "ALTER SYSTEM RESET synchronous_standby_names", RELOAD)
            self.standby.close()
            self.standby = None

    def cut_off(self) -> None:
        """Let the standby receive nothing more, as if the network between the two had failed."""
        assert self.standby is not None
        wait_until(lambda: ask(self.postgres, HAS_EVERYTHING) == [(True,)])
        [(self._source,)] = ask(self.standby, "SHOW primary_conninfo")
        ask(self.standby, "ALTER SYSTEM SET primary_conninfo = ''", RELOAD)
        wait_until(lambda: ask(self.postgres, HAS_EVERYTHING) == [])

    def reconnect(self) -> None:
        """Let the standby receive what it has missed."""
        assert self.standby is not None
        ask(self.standby, f"ALTER SYSTEM SET primary_conninfo = $${self._source}$$", RELOAD)

    def fail(self) -> None:
        """Kill the primary."""
        self.postgres.fail()

    def promote(self) -> None:
        """Turn the standby into the primary, after the other one has failed."""
        assert self.standby is not None
        failed, self.postgres, self.standby = self.postgres, self.standby, None
        self.postgres.promote()
        failed.close()

    def close(self) -> None:
        super().close()
        if self.standby is not None:
            self.standby.close()

    def create_database(self, directory: Path) -> str:
        place = conninfo_to_dict(super().create_database(directory))
        self._ports = {self.postgres.port, free_port()}
        hosts = ",".join(f"{HOST}:{port}" for port in sorted(self._ports))
        user = f"{place['user']}:{place['password']}"
        return f"postgresql://{user}@{hosts}/ledger?target_session_attrs=read-write"


def ask(server: Server, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements as the superuser, and return the rows of the last one if it has any."""
    with closing(psycopg.connect(superuser(server.url), autocommit=True)) as session:
        for statement in statements:
            cursor = session.execute(statement)
        return cursor.fetchall() if cursor.description else []


class FailoverRun(KillRun):
    """A kill run in which the primary is killed once, and the standby takes over."""

    # How many times each client is answered before the kill, and after it.
    ROUNDS = 5

    def __init__(self, service: FailoverService, seed: int) -> None:
        super().__init__(service, seconds=0, kills=1, seed=seed)
        self.pair = service
        self.strikes = {"primary": self._fail_over}
        self.took = 0.0

    def _revive(self) -> None:
        """Start nothing again: the service and the deliverers must survive by themselves."""

    def _fail_over(self) -> None:
        self._play()
        self._await_message()
        self.pair.fail()
        killed = self.struck = time.monotonic()
        self.pair.promote()
        self._await_answers("primary")
        self.took = time.monotonic() - killed
        self._play()
        self._await_message()
        self.struck = time.monotonic()

    def _await_message(self) -> None:
        """Wait until the webhook is told of another transfer."""
        known, deadline = len(self.webhook.receiver.seen), time.monotonic() + PATIENCE
        while len(self.webhook.receiver.seen) == known:
            assert time.monotonic() < deadline, "nothing is delivered"
            time.sleep(0.05)

    def _play(self) -> None:
        for _ in range(self.ROUNDS):
            self.struck = time.monotonic()
            self._await_answers("primary")
