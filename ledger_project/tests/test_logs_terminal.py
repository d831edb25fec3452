"""What the log shows on a terminal."""

import os
import pty
import re
import subprocess
import sys

import pytest

from ledger_project.tests.test_logs import ENVIRONMENT, ONE_REQUEST

pytestmark = pytest.mark.one_database

# Sequences that would move the cursor, set the title of the window and reverse the text.
HOSTILE = """
import logging
import django
django.setup()
from django.test import Client
Client().get("/%1b[2J%1b]0;T%07%c2%9b2J%e2%80%ae%0d%7f")
try:
    raise ValueError("\\x1b[2J\\u202e")
except ValueError:
    logging.getLogger("ledger.test").exception("It \\x1b[2J broke.")
"""


def on_a_terminal(machine, script: str) -> list[str]:
    """Return the lines that a terminal shows, without the colors of the log."""
    controller, terminal = pty.openpty()
    environment = {"PATH": os.defpath, "TERM": "xterm", **ENVIRONMENT}

    with os.fdopen(controller, "rb", 0) as screen:
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=machine.directory,
            env=environment,
            stderr=terminal,
            timeout=300,
            check=True,
        )
        shown = screen.read(65536).decode()
        os.close(terminal)

    return re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()


def test_a_terminal_gets_plain_text(machine):
    (line,) = on_a_terminal(machine, ONE_REQUEST)

    assert not line.startswith("{")
    assert re.search(r"\brequest\b.* path=/healthz\b.* request_id=one\b.* status=200\b", line)


def test_no_text_of_a_client_controls_a_terminal(machine):
    lines = on_a_terminal(machine, HOSTILE)

    assert [line for line in lines if not line.isprintable()] == []
    (path,) = [line for line in lines if "path=" in line]
    assert r"/\x1b[2J\x1b]0;T\x07\x9b2J\u202e\r\x7f" in path.replace("\\\\", "\\")
    assert [line for line in lines if "It " in line and r"\x1b[2J broke." in line] != []
    assert r"ValueError: \x1b[2J\u202e" in lines
