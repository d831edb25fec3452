"""A database of the ledger, and a server that uses it."""

import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from benchmarks import processes
from benchmarks.database import Database
from benchmarks.processes import ROOT
from tools.with_postgres import free_port

# In seconds. Access tokens are valid for 5 minutes.
TOKENS_GOOD_FOR_SECONDS = 150


@dataclass(frozen=True, slots=True)
class Shape:
    """The number of worker processes of a server, and of threads in each."""

    workers: int = 2
    threads: int = 16

    def __str__(self) -> str:
        return f"{self.workers}x{self.threads}"


@dataclass
class Ledger(Database):
    """
    A ledger in a new database, run by the code in ``root``.

    ``settings`` are those of the service besides the defaults and the database.
    """

    folder: Path
    settings: dict[str, str]
    shape: Shape
    root: Path = ROOT
    url: str = field(init=False, default="")
    pid: int = field(init=False, default=0)
    _tokens_at: float = field(init=False, default=0.0)

    def manage(self, *arguments: str, quiet: bool = True) -> str:
        """Run manage.py on the database, with a progress bar unless ``quiet``."""
        return self._python("manage.py", *arguments, quiet=quiet)

    def inside(self, *arguments: str) -> Any:
        """Run ``insider.py`` and return its output."""
        return json.loads(self._python("-m", "benchmarks.insider", *arguments))

    def entries(self) -> int:
        """Return the number of customers' entries, after all requests have ended."""
        return self.count("SELECT sum(version) FROM accounts_account")

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
        options = {
            "port": port,
            "workers": str(self.shape.workers),
            "threads": str(self.shape.threads),
        }
        start = [sys.executable, "-m", "ledger_project"]
        start += [f"--{name}={value}" for name, value in options.items()]
        log = self.folder / f"{self.name}.log"
        with processes.serving(start, env=self._env(), log=log, url=self.url, cwd=self.root) as pid:
            self.pid = pid
            yield self

    def worker_megabytes(self) -> list[float]:
        """Return the memory of each worker, with shared pages counted in part (Linux only)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        summaries = [Path(f"/proc/{child}/smaps_rollup").read_text() for child in children]
        return [int(text.partition("\nPss:")[2].split()[0]) / 1024 for text in summaries]

    def _python(self, *arguments: str, quiet: bool = True) -> str:
        command = [sys.executable, *arguments]
        return processes.run(command, env=self._env(), cwd=self.root, quiet=quiet)

    def _env(self) -> dict[str, str]:
        # The documented defaults, so that the environment and .env don't matter.
        given = {k: v for k, v in os.environ.items() if not k.startswith("LEDGER_")}
        defaults = {k: v or "" for k, v in dotenv_values(self.root / ".env.example").items()}
        return {**given, **defaults, "LEDGER_DATABASE_URL": self.database, **self.settings}


def random_keys() -> dict[str, str]:
    """Return the keys of a run."""
    names = ("LEDGER_SECRET_KEY", "LEDGER_JWT_SIGNING_KEY")
    return {name: secrets.token_urlsafe(48) for name in names}
