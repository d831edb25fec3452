"""Servers of the benchmarks, and the processor time of processes."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from benchmarks.load import BenchmarkError
from benchmarks.processes import ROOT, cpu_seconds, serving
from tools.with_postgres import free_port

pytestmark = pytest.mark.one_database

PATIENCE_SECONDS = 60

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

BURN = """
import os
while sum(os.times()[:2]) < {seconds}:
    pass
"""

# A run that is killed, and so can't stop its server itself.
KILLED = """
import os, signal, sys
from pathlib import Path
from benchmarks.processes import serving
program, port, log = sys.argv[1], sys.argv[2], Path(sys.argv[3])
command = [sys.executable, "-c", program, port]
with serving(command, env={}, log=log, url=f"http://127.0.0.1:{port}") as pid:
    print(pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def ends(pid: int) -> bool:
    """Return whether a process ends within a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with suppress(psutil.NoSuchProcess):
        while time.monotonic() < deadline:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.02)
        return False
    return True


def test_a_server_runs_until_the_block_ends(tmp_path):
    port = free_port()
    command = [sys.executable, "-c", SERVER, port]

    with serving(command, env={}, log=tmp_path / "log", url=f"http://127.0.0.1:{port}") as pid:
        assert psutil.Process(pid).is_running()

    assert not psutil.pid_exists(pid)


def test_a_server_is_stopped_even_if_the_run_is_killed(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, SERVER, free_port(), tmp_path / "log"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )

    assert ran.returncode == -signal.SIGKILL
    assert ends(int(ran.stdout))


def test_a_server_that_does_not_start_is_reported_with_its_log(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no database')"]

    with (
        pytest.raises(BenchmarkError, match="The server does not start:\nno database"),
        serving(command, env={}, log=tmp_path / "log", url="http://127.0.0.1:1"),
    ):
        pass


def test_the_processor_time_includes_children_that_have_ended():
    before = cpu_seconds(os.getpid())

    subprocess.run([sys.executable, "-c", BURN.format(seconds=0.5)], check=True)

    assert cpu_seconds(os.getpid()) - before >= 0.48


def test_the_processor_time_includes_running_children():
    program = BURN.format(seconds=0.5) + "print('.', flush=True)\ninput()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    before = cpu_seconds(os.getpid())

    with subprocess.Popen([sys.executable, "-c", program], text=True, **pipes) as child:
        assert child.stdout.read(1) == "."
        used = cpu_seconds(os.getpid()) - before
        child.communicate("\n")

    assert used >= 0.48
