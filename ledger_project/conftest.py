"""What the shell's tests share: logins, machines with settings of their own, a clock."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from transfers.clock import at

KEYS = {
    "LEDGER_SECRET_KEY": "a-secret-key-of-more-than-32-bytes",
    "LEDGER_JWT_SIGNING_KEY": "a-signing-key-of-more-than-32-bytes",
}
SHOWN = (
    "import json; from ledger_project import settings; "
    "print(json.dumps({name: getattr(settings, name) for name in %r}, default=str))"
)


@pytest.fixture
def anyone(client_for) -> Any:
    """Return a client that isn't logged in."""
    return client_for(None)


@pytest.fixture
def log_in(anyone, alice) -> Callable[[], dict[str, str]]:
    """Return a function that logs alice in and returns her pair of tokens."""

    def log_in_as_alice() -> dict[str, str]:
        answer = anyone.post("/auth/token", {"username": "alice", "password": "a password"})
        assert answer.status_code == 200
        return answer.json()

    return log_in_as_alice


@pytest.fixture
def three_logins_a_minute(settings) -> None:
    """Let a login fail three times a minute."""
    settings.LOGIN_RATE = "3/minute"


class Machine:
    """A copy of the code, where neither the caller's environment nor a ``.env`` interferes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for room in ("api", "database", "accounts", "transfers", "audit", "ledger_project"):
            shutil.copytree(settings.BASE_DIR / room, directory / room)
        shutil.copy(settings.BASE_DIR / "manage.py", directory)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python with nothing but ``environment`` set, and return what came of it."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.directory,
            env={"PATH": os.defpath, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def settings(self, *names: str, **environment: str) -> dict[str, Any]:
        """Return the settings of these names as a start in this environment reads them."""
        done = self.run("-c", SHOWN % (names,), **KEYS, **environment)
        assert done.stderr == ""
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def new_machine(tmp_path_factory) -> Callable[[], Machine]:
    """Return a function that makes a machine of its own for a test."""
    return lambda: Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def machine(new_machine) -> Machine:
    return new_machine()


class Clock:
    """The database's clock: it stands still until it is told to go on."""

    def __init__(self, stack: ExitStack) -> None:
        self.now = timezone.now()
        self._stack = stack
        self.go_on()

    def go_on(self, **by: int) -> None:
        self.now += timedelta(**by)
        self._stack.enter_context(at(self.now))


@pytest.fixture
def clock() -> Iterator[Clock]:
    with ExitStack() as stack:
        yield Clock(stack)
