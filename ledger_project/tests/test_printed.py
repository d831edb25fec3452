"""What services print is JSON, whichever library prints it and however they end."""

import json
import os
import pty
import signal
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from django.conf import settings

from ledger_project.conftest import KEYS
from ledger_project.printed import LogLines
from ledger_project.tests.live import PATIENCE, database_url

NAMES = {"app", "event", "level", "logger", "timestamp"}


def parsed(output: str) -> list[dict[str, Any]]:
    """Return the lines of the log, each of which must be complete."""
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line for line in lines if not line.keys() >= NAMES] == []
    return lines


def events(output: str) -> list[str]:
    return [line["event"] for line in parsed(output)]


def service(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start a command that runs as a service."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env={
            "PATH": os.defpath,
            "LEDGER_DATABASE_URL": database_url(),
            **KEYS,
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.one_database
def test_a_line_is_written_when_it_is_complete_and_a_blank_one_never():
    under = StringIO()
    stream = LogLines(under, "error")

    stream.write("first ")
    begun = under.getvalue()
    stream.write("half\n\n  \nsecond\nthird")
    written = events(under.getvalue())
    stream.close()

    assert (begun, written) == ("", ["first half", "second"])
    assert events(under.getvalue()) == ["first half", "second", "third"]
    assert {line["level"] for line in parsed(under.getvalue())} == {"error"}


SESSION = """
from ledger_project.printed import as_log_lines
as_log_lines()
import sys, threading, warnings
print("before the settings")
import django
django.setup()
print("to stdout")
print("to stderr", file=sys.stderr)
warnings.warn("something is deprecated", FutureWarning)
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise RuntimeError("It broke.")
"""


@pytest.mark.one_database
def test_prints_warnings_and_unhandled_exceptions_are_lines_of_the_log():
    process = service("-c", SESSION, DJANGO_SETTINGS_MODULE="ledger_project.settings")
    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert events(out) == ["before the settings", "to stdout"]
    lines = parsed(err)
    assert [(line["logger"], line["level"]) for line in lines] == [
        ("ledger.process", "error"),
        ("py.warnings", "warning"),
        ("ledger.process", "error"),
        ("ledger.process", "critical"),
    ]
    assert lines[0]["event"] == "to stderr"
    assert "something is deprecated" in lines[1]["event"]
    raised = [line["exception"][0]["exc_type"] for line in lines[2:]]
    assert raised == ["ZeroDivisionError", "RuntimeError"]


REFUSALS = {
    "an invalid setting": (
        {"LEDGER_LOG_LEVEL": "LOUD"},
        "Mini Ledger can't start: LEDGER_LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, "
        "CRITICAL, not 'LOUD'",
    ),
    "a missing folder": (
        {"LEDGER_DATABASE_URL": "sqlite:///no/such/folder/ledger.db"},
        None,
    ),
}


@pytest.mark.one_database
@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.parametrize("command", [("-m", "ledger_project"), ("manage.py", "deliver_webhooks")])
def test_a_service_that_cannot_start_says_so_in_one_line_of_the_log(command, case):
    environment, message = REFUSALS[case]
    process = service(*command, **environment)
    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (1, "")
    [said] = events(err)
    assert said.startswith("Mini Ledger can't start: ")
    assert message in (None, said)


@pytest.mark.django_db(transaction=True)
def test_every_line_of_the_deliverer_is_json():
    process = service("manage.py", "deliver_webhooks", LEDGER_LOG_LEVEL="DEBUG")
    try:
        # It logs at DEBUG which event loop it uses, once it handles signals.
        first = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()

    assert process.returncode in (0, -signal.SIGTERM)
    assert parsed(first + err) != []
    assert out == ""


@pytest.mark.one_database
def test_a_terminal_gets_plain_text():
    controller, terminal = pty.openpty()
    with os.fdopen(controller, "rb", 0) as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "ledger_project"],
            cwd=settings.BASE_DIR,
            env={"PATH": os.defpath, "TERM": "xterm", **KEYS, "LEDGER_LOG_LEVEL": "LOUD"},
            stderr=terminal,
        )
        process.wait(PATIENCE)
        os.close(terminal)
        shown = screen.read(65536).decode()

    assert shown.startswith("Mini Ledger can't start: LEDGER_LOG_LEVEL must be one of")
