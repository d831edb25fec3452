"""The peers of S9: how to prepare, start and measure each of them."""

import json
import os
import random
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import load, pgbench, processes
from benchmarks.database import Database
from benchmarks.ledger import Shape
from benchmarks.load import BenchmarkError, Measurement
from benchmarks.processes import ROOT
from benchmarks.subject import Subject
from benchmarks.workloads import PREPARED, Line, write
from tools.with_postgres import free_port

CLIENTS = 32
HERE = Path(__file__).parent / "peers"
PYTHON = Path(sys.prefix, "peers", "bin", "python")


@dataclass
class SqlPeer(Database):
    """A ledger in SQL, under load from pgbench."""

    def prepare(self) -> None:
        """Create the database and its accounts."""
        self.create()
        self.run((HERE / "pgledger_like.sql").read_bytes())
        self.tidy()

    def subject(self, name: str, seconds: int) -> Subject:
        def run(seconds: int | None) -> Measurement:
            script = HERE / "pgledger_like_transfer.sql"
            return pgbench.measure(self, script, clients=CLIENTS, seconds=seconds, variables={})

        return Subject(
            name=name,
            load=run,
            connect=lambda: run(None),
            count=lambda: self.count("SELECT count(*) FROM transfer"),
            effects=1,
            in_flight=0,
            pids=(self.postmaster(),),
            seconds=seconds,
        )


@dataclass
class HttpPeer(Database):
    """A service in an environment and a process of its own, under the ledger's load."""

    folder: Path
    shape: Shape
    module: str
    server: Callable[[str, str, Shape], list[str]]
    transfers: str
    url: str = field(init=False, default="")
    pid: int = field(init=False, default=0)
    _secret: str = field(init=False, default_factory=lambda: secrets.token_urlsafe(48))

    def prepare(self) -> None:
        """Create the database, its accounts, and the requests."""
        if not PYTHON.exists():
            raise BenchmarkError("The peers of S9 are missing in .venv/peers: use `make bench`.")
        self.create()
        command = [str(PYTHON), "-m", self.module]
        made = json.loads(processes.run(command, env=self._env(), cwd=ROOT))
        self._file("tokens").write_text(made["token"] + "\n")
        write(self._file("requests"), self._lines(made["accounts"]))
        self.tidy()

    @contextmanager
    def served(self) -> Iterator["HttpPeer"]:
        """Run the server on a free port."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [str(PYTHON), "-m", *self.server(self.module, port, self.shape)]
        log = self._file("log")
        with processes.serving(command, env=self._env(), log=log, url=self.url) as pid:
            self.pid = pid
            yield self

    def subject(self, name: str, seconds: int) -> Subject:
        def run(seconds: int) -> Measurement:
            files = self._file("tokens"), self._file("requests")
            return load.put(self.url, "POST", *files, seconds, CLIENTS)

        return Subject(
            name=name,
            load=run,
            count=lambda: self.count(self.transfers),
            effects=1,
            in_flight=CLIENTS,
            pids=(self.pid, self.postmaster()),
            seconds=seconds,
        )

    def _lines(self, accounts: list[str]) -> Iterator[Line]:
        chance = random.Random(1)
        for _ in range(PREPARED):
            source, dest = chance.sample(accounts, 2)
            order = {"source_account_id": source, "dest_account_id": dest}
            yield (
                0,
                "/transfers",
                "",
                {**order, "amount": chance.randint(1, 100), "memo": "Invoice"},
            )

    def _file(self, what: str) -> Path:
        return self.folder / f"{self.name}.{what}"

    def _env(self) -> dict[str, str]:
        own = {"PEER_DATABASE_URL": self.database, "PEER_SECRET_KEY": self._secret}
        return {"PATH": os.defpath, **own}


def _gunicorn(module: str, port: str, shape: Shape) -> list[str]:
    options = ("--workers", str(shape.workers), "--threads", str(shape.threads))
    bind = ("--bind", f"127.0.0.1:{port}", "--keep-alive", "60")
    return ["gunicorn", *options, *bind, f"{module}:application"]


def _uvicorn(module: str, port: str, shape: Shape) -> list[str]:
    options = ("--workers", str(shape.workers), "--port", port, "--no-access-log")
    return ["uvicorn", *options, f"{module}:app"]


Peer = SqlPeer | HttpPeer
NAMES = ("naive FastAPI", "pgledger-like SQL", "django-hordak")


def peer(name: str, cluster: str, folder: Path, shape: Shape) -> Peer:
    """Return the peer with this name, in a database that doesn't exist yet."""
    if name == "pgledger-like SQL":
        return SqlPeer(cluster, "bench_pgledger_like")
    if name == "django-hordak":
        count = "SELECT count(*) FROM hordak_transaction"
        module = "benchmarks.peers.hordak_drf"
        return HttpPeer(cluster, "bench_hordak", folder, shape, module, _gunicorn, count)
    # Each account has begun with one entry.
    count = "SELECT (count(*) - 1000) / 2 FROM entry"
    module = "benchmarks.peers.naive_fastapi"
    return HttpPeer(cluster, "bench_naive", folder, shape, module, _uvicorn, count)
