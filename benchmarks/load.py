"""Put load on the server with wrk, or with ``client.py`` if wrk isn't installed."""

import json
import resource
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

HERE = Path(__file__).parent
WRK = shutil.which("wrk")


class BenchmarkError(Exception):
    """The figures are invalid: a response isn't 2xx, or the books are wrong."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """
    The result of a load.

    A request counts as ``worth`` requests. ``generator`` is the processor time of the load
    generator in seconds. ``cpu_ms`` is the processor time per request in milliseconds, of the
    generator, the server and PostgreSQL together.
    """

    done: int
    seconds: float
    generator: float
    p50_ms: float
    p99_ms: float | None = None
    worth: int = 1
    cpu_ms: float = 0.0

    @property
    def rate(self) -> float:
        return self.done * self.worth / self.seconds

    @property
    def generator_share(self) -> float:
        """The generator's share of one processor."""
        return self.generator / self.seconds


def generator() -> str:
    """Return the name of the load generator."""
    if WRK is None:
        return "benchmarks/client.py (wrk isn't installed)"
    # wrk prints its version with the usage, and exits with an error.
    usage = subprocess.run([WRK, "--version"], capture_output=True, text=True).stdout
    return " ".join(usage.split()[:2])


def put(
    url: str,
    method: str,
    tokens: Path,
    requests: Path,
    seconds: int,
    connections: int,
) -> Measurement:
    """Put load on the server. A response that isn't 2xx fails the whole run."""
    prefix = f"bench-{secrets.token_hex(8)}-"
    arguments = [url, *(["--"] if WRK else []), method, str(tokens), str(requests), prefix]
    if WRK:
        # One thread is enough. The timeout is longer than all timeouts of the server.
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s"]
        command = [WRK, *options, "-s", str(HERE / "load.lua"), *arguments]
    else:
        options = ["--connections", str(connections), "--seconds", str(seconds)]
        command = [sys.executable, str(HERE / "client.py"), *options, *arguments]
    output, cpu = timed(command)
    answer = json.loads(output.splitlines()[-1])
    if answer["not_2xx"] or answer["lost"]:
        raise BenchmarkError(f"{requests.stem}: a run with errors is a failed run: {answer}")
    return Measurement(
        answer["requests"], answer["seconds"], cpu, answer["p50_ms"], answer["p99_ms"]
    )


def send_once(url: str, tokens: Path, requests: Path) -> None:
    """POST each request once, so that all later ones are replays."""
    bearers = tokens.read_text().splitlines()
    for line in requests.read_text().splitlines():
        user, path, key, body = line.split("\t", 3)
        headers = {
            "Authorization": f"Bearer {bearers[int(user)]}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        with urlopen(Request(url + path, body.encode(), headers), timeout=60):
            pass  # An error status raises.


def timed(command: list[str], env: dict[str, str] | None = None) -> tuple[str, float]:
    """Run a command, and return its output and the processor time that it used."""
    before = _children_seconds()
    ran = subprocess.run(command, env=env, capture_output=True, text=True)
    if ran.returncode:
        # A negative status is the number of a signal.
        raise BenchmarkError(
            f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
        )
    return ran.stdout, _children_seconds() - before


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
