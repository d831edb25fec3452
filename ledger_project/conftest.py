"""What the shell's tests share: rivals in threads, and machines with settings of their own."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection


@pytest.fixture
def at_once() -> Callable[..., list]:
    """Return a function that makes its calls at the same time, each in a thread of its own."""

    def run(*calls: Callable[[], Any]) -> list:
        gate = threading.Barrier(len(calls))

        def in_thread(call: Callable[[], Any]) -> Any:
            try:
                gate.wait(timeout=30)
                return call()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(in_thread, calls))

    return run


class Machine:
    """A copy of the code, where neither the caller's environment nor a ``.env`` interferes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for room in ("accounts", "ledger_project", "transfers"):
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


@pytest.fixture(scope="session")
def new_machine(tmp_path_factory) -> Callable[[], Machine]:
    """Return a function that makes a machine of its own for a test."""
    return lambda: Machine(tmp_path_factory.mktemp("machine"))
