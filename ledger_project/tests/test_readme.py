"""The example of the README works when it is pasted into a shell."""

import re
import socket
import subprocess

import pytest
from django.contrib.auth.models import User

from ledger_project.tests.pages import text

STORY = re.search(r"```sh\n(API=.*?)```", text("README.md"), re.DOTALL)[1]


def paste(story: str, port: int) -> subprocess.CompletedProcess:
    """Run an example in bash with a service on ``port``."""
    story = story.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
    return subprocess.run(["bash"], input=story, capture_output=True, text=True, timeout=300)


@pytest.fixture
def port(live_server, db) -> int:
    User.objects.create_user("demo", password="demo")
    return live_server.thread.port


@pytest.mark.django_db(transaction=True)
def test_the_readme_example_runs_twice(port):
    first, second = paste(STORY, port), paste(STORY, port)

    assert (first.stderr, second.stderr) == ("", "")
    assert first.stdout.splitlines().count("7500") == 1
    assert first.stdout == second.stdout


@pytest.mark.one_database
def test_the_readme_example_reports_that_no_service_runs():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        told = paste(STORY, unused.getsockname()[1])

    assert "Failed to connect" in told.stderr


@pytest.mark.django_db(transaction=True)
def test_the_readme_example_reports_an_expired_token(port):
    told = paste(STORY.replace("# Open two accounts.", "TOKEN=over"), port)

    assert (
        told.stderr.splitlines()[:2]
        == ["The token is invalid, expired or revoked. Get a new one at /auth/token."] * 2
    )
    assert "Traceback" not in told.stderr
