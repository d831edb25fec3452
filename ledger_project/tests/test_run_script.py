"""`make run`: what it prints, and what runs beside the service."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from django.conf import settings

from ledger_project.tests.live import PATIENCE

pytestmark = pytest.mark.one_database

# The discard port (RFC 863), on which nothing listens.
DISCARD = 9


def test_an_unreachable_database_is_reported_without_its_password(new_machine):
    machine = new_machine()
    shutil.copytree(settings.BASE_DIR / "tools", machine.directory / "tools")
    (machine.directory / ".venv").symlink_to(Path(sys.prefix))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    started = subprocess.run(
        ["sh", "tools/run.sh"],
        cwd=machine.directory,
        env={
            "PATH": os.environ["PATH"],
            "PORT": str(port),
            "LEDGER_DATABASE_URL": f"postgresql://ledger:s%40cr:et@127.0.0.1:{DISCARD}/books",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert started.stdout.splitlines() == [
        f"Starting Mini Ledger on http://127.0.0.1:{port} ...",
        "Wrote .env with random keys.",
        f"Migrating postgresql://ledger@127.0.0.1:{DISCARD}/books ...",
    ]
    told = started.stderr.splitlines()
    assert told[0].startswith("The database can't be used: ")
    assert told[1:] == ["Is it running, and is LEDGER_DATABASE_URL its address?"]
    assert "cr:et" not in started.stdout + started.stderr


@pytest.fixture
def running(new_machine) -> Iterator["subprocess.Popen[bytes]"]:
    """The service on a new machine, as `make run` starts it, with an empty SQLite file."""
    machine = new_machine()
    shutil.copytree(settings.BASE_DIR / "tools", machine.directory / "tools")
    (machine.directory / ".venv").symlink_to(Path(sys.prefix))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        ["sh", "tools/run.sh"],
        cwd=machine.directory,
        env={
            "PATH": os.environ["PATH"],
            "PORT": str(port),
            "LEDGER_DATABASE_URL": "sqlite:///own.db",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # A process group of its own, which the end of the test can kill as a whole.
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_the_addresses_are_printed_when_the_service_accepts_requests(running):
    lines = (line.decode().split() for line in running.stdout if b"http://" in line)
    begins, docs = next(lines), next(lines)

    assert docs == ["Docs", f"{begins[-2]}/docs"]
    with urlopen(docs[1]) as response:
        assert response.status == 200


def deliverers(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """Return the running processes of a process group that deliver webhooks."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(each.pid) == process.pid and each.cmdline()[-1:] == ["deliver_webhooks"]:
                found.append(each)
    return found


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_webhooks_are_delivered_as_long_as_the_server_runs(running, end):
    wait_for(lambda: deliverers(running))
    [first] = deliverers(running)

    first.kill()
    wait_for(lambda: [each.pid for each in deliverers(running) if each != first])
    running.send_signal(end)
    running.wait(PATIENCE)

    wait_for(lambda: not deliverers(running))
