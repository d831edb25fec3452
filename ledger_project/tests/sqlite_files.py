"""Helpers for tests that use another SQLite file."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

NOT_THERE = (
    "The database's file doesn't exist. Restore it, or create an empty ledger with"
    " `manage.py migrate`."
)


def copy_to(path: Path) -> None:
    """Copy the current database to a file."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(path)])


@contextmanager
def connected_to(path: Path) -> Iterator[None]:
    """Use the file at ``path`` as the database until the block ends."""
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(path)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def manage(path: Path, *arguments: str) -> tuple[int, str]:
    """Run manage.py on the file at ``path``, and return its exit status and standard error."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ledger_project.settings",
            "LEDGER_DATABASE_URL": f"sqlite:///{path}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr
