"""One stretch of load on the server, by wrk, or by ``client.py`` where wrk isn't installed."""

import json
import resource
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

CONNECTIONS = 8

HERE = Path(__file__).parent
WRK = shutil.which("wrk")


class BenchmarkError(Exception):
    """What makes the figures worthless: an answer that isn't 2xx, or books that don't agree."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a stretch of load came to; ``cpu`` is the generator's own share of one processor."""

    done: int
    seconds: float
    cpu: float
    p50_ms: float
    p99_ms: float | None = None

    @property
    def rate(self) -> float:
        return self.done / self.seconds


def generator() -> str:
    """Return the name of what generates the load."""
    if WRK is None:
        return "benchmarks/client.py (wrk isn't installed)"
    # It prints its version with its usage, and calls that an error.
    usage = subprocess.run([WRK, "--version"], capture_output=True, text=True).stdout
    return " ".join(usage.split()[:2])


def put(
    url: str,
    method: str,
    tokens: Path,
    requests: Path,
    seconds: int,
    connections: int = CONNECTIONS,
) -> Measurement:
    """Put load on the server for a while. An answer that isn't 2xx fails the whole run."""
    prefix = f"bench-{secrets.token_hex(8)}-"
    arguments = [url, *(["--"] if WRK else []), method, str(tokens), str(requests), prefix]
    if WRK:
        # One thread is plenty; its time limit is beyond any of the server's own.
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s"]
        command = [WRK, *options, "-s", str(HERE / "load.lua"), *arguments]
    else:
        options = ["--connections", str(connections), "--seconds", str(seconds)]
        command = [sys.executable, str(HERE / "client.py"), *options, *arguments]
    output, cpu = timed(command)
    answer = json.loads(output.splitlines()[-1])
    if answer["not_2xx"] or answer["lost"]:
        raise BenchmarkError(f"{requests.stem}: a run with errors is a failed run: {answer}")
    share = cpu / answer["seconds"]
    return Measurement(
        answer["requests"], answer["seconds"], share, answer["p50_ms"], answer["p99_ms"]
    )


def send_once(url: str, tokens: Path, requests: Path) -> None:
    """POST each request once, so that whatever follows is a replay."""
    bearers = tokens.read_text().splitlines()
    for line in requests.read_text().splitlines():
        user, path, key, body = line.split("\t", 3)
        headers = {
            "Authorization": f"Bearer {bearers[int(user)]}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        with urlopen(Request(url + path, body.encode(), headers), timeout=60):
            pass  # A refusal raises.


def timed(command: list[str], env: dict[str, str] | None = None) -> tuple[str, float]:
    """Run a command to its end; return what it printed, and the processor time it took."""
    before = _children_seconds()
    ran = subprocess.run(command, env=env, capture_output=True, text=True)
    if ran.returncode:
        raise BenchmarkError(f"{Path(command[0]).name} failed:\n{ran.stdout}{ran.stderr}")
    return ran.stdout, _children_seconds() - before


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
