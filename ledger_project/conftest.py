"""Fixtures for the tests of the project: logins, copies of the code, and a clock."""

import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings

from ledger_project.tests.standbys import Pair

KEYS = {
    "LEDGER_SECRET_KEY": "a-secret-key-of-more-than-32-bytes",
    "LEDGER_JWT_SIGNING_KEY": "a-signing-key-of-more-than-32-bytes",
}


@pytest.fixture(scope="session")
def servers() -> Iterator[Pair]:
    """A primary and a hot standby of their own, for all tests that need them."""
    with Pair.running() as servers:
        yield servers


@pytest.fixture
def anyone(client_for) -> Any:
    """A client that isn't logged in."""
    return client_for(None)


@pytest.fixture
def log_in(anyone, alice) -> Callable[[], dict[str, str]]:
    """Return a function that logs in as alice and returns a pair of tokens."""

    def log_in_as_alice() -> dict[str, str]:
        response = anyone.post("/auth/token", {"username": "alice", "password": "a password"})
        assert response.status_code == 200
        return response.json()

    return log_in_as_alice


@pytest.fixture
def three_logins_a_minute(settings) -> None:
    """Set the login rate to three failures per minute."""
    settings.LOGIN_RATE = "3/minute"


class Machine:
    """A copy of the code that reads neither the caller's environment nor its ``.env``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for room in (
            "api",
            "database",
            "accounts",
            "transfers",
            "audit",
            "events",
            "ledger_project",
        ):
            shutil.copytree(settings.BASE_DIR / room, directory / room)
        shutil.copy(settings.BASE_DIR / "manage.py", directory)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python with only these environment variables, and return the finished process."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.directory,
            env={"PATH": os.defpath, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def settings(self, *names: str, **environment: str) -> dict[str, Any]:
        """
        Return the values of these settings with only these environment variables.

        :raises SystemExit: if the value of a variable is invalid. Its ``code`` is the line that the
            process would print.
        """
        module = self.directory / "ledger_project" / "environment.py"
        with patch.dict(os.environ, {**KEYS, **environment}, clear=True):
            values = runpy.run_path(str(module))
        return {name: values[name] for name in names}


@pytest.fixture(scope="session")
def new_machine(tmp_path_factory) -> Callable[[], Machine]:
    """Return a function that creates a ``Machine``."""
    return lambda: Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def machine(new_machine) -> Machine:
    return new_machine()
