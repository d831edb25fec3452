"""The output of `make run` before the service starts."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

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
