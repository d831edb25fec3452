"""Start servers that always end, and read the processor time of whole process trees."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.load import BenchmarkError

ROOT = Path(__file__).parent.parent

# Waits until its standard input is closed, which happens even if this process is killed, and then
# stops the server.
JANITOR = 'read -r _; kill "$0"'
PATIENCE_SECONDS = 60


@contextmanager
def serving(
    command: Sequence[str], *, env: Mapping[str, str], log: Path, url: str, cwd: Path = ROOT
) -> Iterator[int]:
    """Start a server, wait until ``/readyz`` responds, and yield its process id. Then stop it."""
    with log.open("w+") as file:
        # In a new session, so that Ctrl-C in the terminal only reaches this process.
        own: dict[str, Any] = {"stdout": file, "stderr": file, "start_new_session": True}
        server = subprocess.Popen(command, cwd=cwd, env=env, **own)
        janitor = subprocess.Popen(
            ["sh", "-c", JANITOR, str(server.pid)], stdin=subprocess.PIPE, **own
        )
        try:
            _wait_until_ready(server, url, file)
            yield server.pid
        finally:
            janitor.communicate()
            try:
                server.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, 9)
                server.wait()


def run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, quiet: bool = True) -> str:
    """Run a command and return its output. A progress bar is shown unless ``quiet``."""
    errors = subprocess.PIPE if quiet else None
    ran = subprocess.run(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=errors, text=True
    )
    if ran.returncode:
        raise BenchmarkError(f"{' '.join(command)}:\n{ran.stdout[-4000:]}{ran.stderr or ''}")
    return ran.stdout


def cpu_seconds(*pids: int) -> float:
    """
    Return the processor time that these processes and all their children have used so far.

    The time of children that have ended is included: the system adds it to their parent's.
    """
    total = 0.0
    for pid in pids:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            # A child may end in the meantime.
            with suppress(psutil.NoSuchProcess):
                used = process.cpu_times()
                total += used.user + used.system + used.children_user + used.children_system
    return total


def _wait_until_ready(server: subprocess.Popen, url: str, log: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    log.seek(0)
    raise BenchmarkError(f"The server does not start:\n{log.read()[-4000:]}")
