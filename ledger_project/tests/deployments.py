"""The containers of deploy/compose.yaml, run as processes of this machine."""

import http.client
import json
import os
import subprocess
import sysconfig
import time
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from ledger_project.tests import compose, images
from ledger_project.tests.live import PATIENCE
from ledger_project.tests.pages import ROOT
from tools.with_postgres import PROGRAMS

SERVICES = compose.load(ROOT / "deploy" / "compose.yaml")["services"]


@dataclass
class Deployment:
    """The containers of deploy/compose.yaml, as processes of this machine."""

    image: images.Image
    url: str
    secrets: Path
    port: str
    metrics_port: str

    def run(self, service: str) -> tuple[int, str]:
        """Run a service that ends, and return its exit status and what it printed."""
        return self.image.run(SERVICES[service]["command"], self._variables(service))

    def start(self, service: str, log: Path) -> Any:
        """Start a service that runs on."""
        command = SERVICES[service].get("command", self.image.command)
        with log.open("wb") as file:
            return self.image.start(
                [self._here(word) for word in command],
                self._variables(service),
                stdout=file,
                stderr=file,
            )

    def is_healthy(self) -> bool:
        command = [self._here(word) for word in self.image.healthcheck]
        return self.image.run(command, self._variables("ledger"))[0] == 0

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request to the service, and return its status and its body."""
        with closing(http.client.HTTPConnection("127.0.0.1", int(self.port), PATIENCE)) as client:
            named = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
            named |= {name.replace("_", "-"): value for name, value in headers.items()}
            client.request(method, path, None if body is None else json.dumps(body), named)
            response = client.getresponse()
            return response.status, response.read().decode()

    def psql(self, *command: str) -> tuple[int, str]:
        """Run a command in the container of PostgreSQL, from the project's folder."""
        mounts = {**self.image.mounts, "/grants.sql": ROOT / "deploy/postgresql/grants.sql"}
        programs = Path(sysconfig.get_path("platlib")) / PROGRAMS
        place = conninfo_to_dict(self.url)
        done = subprocess.run(
            [images.Image(self.image.root, mounts=mounts).here(word) for word in command],
            cwd=ROOT,
            env={
                "PATH": f"{programs}:{os.defpath}",
                "PGHOST": place["host"],
                "PGPORT": place["port"],
                "PGPASSWORD": place["password"],
                "SECRETS": str(self.secrets),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def metrics(self) -> str:
        """Return the metrics of the service, as Prometheus gets them."""
        token = (self.secrets / "metrics_token").read_text().strip()
        return self.request("GET", "/metrics", Authorization=f"Bearer {token}")[1]

    def _here(self, word: str) -> str:
        # Free ports, and never open to other machines.
        return {"8000": self.port, "9464": self.metrics_port, "0.0.0.0": "127.0.0.1"}.get(
            word, word
        )

    def _variables(self, service: str) -> dict[str, str]:
        return SERVICES[service]["environment"]


def wait_until(condition: Any) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found
