"""A service on two PostgreSQL servers that Patroni watches, and fails over when one is killed."""

import json
import os
import secrets
import signal
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from string import Template
from subprocess import Popen

import psutil
import psycopg
from django.conf import settings

from ledger_project.tests.kill_victims import Mortal, PostgresService
from ledger_project.tests.live import HOST
from tools.with_postgres import Server, free_port

# `make soak FAILOVER=1` installs the programs there.
PROGRAMS = Path(settings.BASE_DIR, ".venv", "failover", "bin")
CONFIGURATION = Path(settings.BASE_DIR, "tools", "failover", "patroni.yml")
NODES = ("one", "two")
# In seconds. A node that comes back is rewound, or copied again.
PATIENCE = 180
# Waits until its standard input is closed, as the janitor of the server does, and kills Patroni.
KILLER = 'read -r _; kill -s KILL "$0"'


class Node(Server):
    """A Patroni, and the PostgreSQL that it runs."""

    def __init__(self, name: str, etcd_port: str, password: str) -> None:
        self.node, self.api_port = name, free_port()
        self._words = {"etcd_port": etcd_port, "password": password}
        super().__init__()

    def start(self) -> None:
        """Start Patroni, which starts PostgreSQL as a primary or as a standby."""
        options = {k: v for k, v in self._options.items() if k not in ("user", "group")}
        # Not the password of the server, because it would be used instead of those in `pgpass`.
        options["env"] = {"PATH": os.defpath, "LC_ALL": "C"}
        with (self.directory / "patroni.log").open("a") as log:
            self._patroni = Popen(
                [*self._as_nobody(), str(PROGRAMS / "patroni"), "patroni.yml"],
                stdout=log,
                stderr=log,
                **options,
            )
        self._killer = self._spawn("/bin/sh", "-c", KILLER, str(self._patroni.pid))

    def revive(self) -> None:
        """Start Patroni again if it was killed."""
        if self._patroni.poll() is not None:
            self.start()

    def kill_postgres(self) -> None:
        """Kill the postmaster. Patroni goes on."""
        os.kill(self._postmaster(), signal.SIGKILL)

    def fail(self) -> None:
        """Kill Patroni, PostgreSQL and its sessions at once, as if their machine had failed."""
        sessions = psutil.Process(self._postmaster()).children(recursive=True)
        self._kill_patroni()
        self.kill_postgres()
        for session in sessions:
            with suppress(psutil.NoSuchProcess):
                session.kill()

    def close(self) -> None:
        self._kill_patroni()
        super().close()

    def _create(self, settings: dict[str, str]) -> None:
        words = {
            **self._words,
            **{"name": self.node, "port": self.port, "api_port": self.api_port},
            "bin_dir": str(self._programs),
            "data_dir": str(self.directory / "data"),
            "pgpass": str(self.directory / "pgpass"),
        }
        text = Template(CONFIGURATION.read_text()).substitute(words)
        (self.directory / "patroni.yml").write_text(text)
        self.start()

    def _as_nobody(self) -> list[str]:
        if "user" not in self._options:
            return []
        # PostgreSQL refuses to run as root, but only root may be able to read our Python.
        capability = "+dac_read_search"
        return [
            *("setpriv", f"--reuid={self._options['user']}", f"--regid={self._options['group']}"),
            *("--clear-groups", f"--inh-caps={capability}", f"--ambient-caps={capability}"),
        ]

    def _kill_patroni(self) -> None:
        self._patroni.kill()
        self._patroni.wait()
        self._killer.communicate()

    def _postmaster(self) -> int:
        return int((self.directory / "data" / "postmaster.pid").read_text().split()[0])


class PatroniService(PostgresService):
    """The application server with a cluster of two nodes. Only the cluster is killed."""

    def __init__(self, directory: Path, seed: int, **environment: str) -> None:
        super().__init__(directory, seed, **environment)
        self.strikes = {
            "primary's postmaster": lambda: self._kill_leader(Node.kill_postgres),
            "primary's machine": lambda: self._kill_leader(Node.fail),
        }

    def prepare(self) -> None:
        """Wait until there is a standby that may take over."""
        _wait_until(self._is_whole)

    def close(self) -> None:
        super(PostgresService, self).close()
        for node in self.nodes:
            node.close()
        self._etcd.close()

    def create_database(self, directory: Path) -> str:
        port, password = free_port(), secrets.token_urlsafe(16)
        self._etcd = Mortal(_etcd(port, directory), {"PATH": os.defpath}, directory / "etcd.log")
        self.nodes = [Node(name, port, password) for name in NODES]
        self.prepare()
        with closing(psycopg.connect(self._url("postgres", password, "postgres"))) as session:
            session.autocommit = True
            session.execute(f"CREATE ROLE ledger LOGIN PASSWORD '{password}'")
            session.execute("CREATE DATABASE ledger OWNER ledger")
        return self._url("ledger", password, "ledger")

    def _url(self, user: str, password: str, database: str) -> str:
        hosts = ",".join(f"{HOST}:{node.port}" for node in self.nodes)
        return f"postgresql://{user}:{password}@{hosts}/{database}?target_session_attrs=read-write"

    def _kill_leader(self, kill: Callable[[Node], None]) -> None:
        """Kill the primary, wait until the standby has taken over, and bring the other one back."""
        [victim] = [node for node in self.nodes if self._roles().get(node.node) == "leader"]
        [heir] = [node for node in self.nodes if node is not victim]
        kill(victim)
        _wait_until(lambda: self._roles().get(heir.node) == "leader")
        victim.revive()

    def _is_whole(self) -> bool:
        return sorted(self._roles().values()) == ["leader", "sync_standby"]

    def _roles(self) -> dict[str, str]:
        """Return the roles of the nodes that run, by name, as the first node says that answers."""
        for node in self.nodes:
            with suppress(OSError, ValueError):
                address = f"http://{HOST}:{node.api_port}/cluster"
                with urllib.request.urlopen(address, timeout=5) as response:
                    members = json.load(response)["members"]
                return {
                    each["name"]: each["role"]
                    for each in members
                    if each["state"] in ("running", "streaming")
                }
        return {}


def _etcd(port: str, directory: Path) -> list[str]:
    client, peer = f"http://{HOST}:{port}", f"http://{HOST}:{free_port()}"
    return [
        str(PROGRAMS / "etcd"),
        *("--data-dir", str(directory / "etcd"), "--log-level", "warn"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"default={peer}"),
    ]


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the cluster isn't whole")
        time.sleep(0.2)
