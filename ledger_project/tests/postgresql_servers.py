"""Helpers for tests that use another PostgreSQL server or database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

ADDRESS = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}


def superuser(url: str, database: str = "postgres") -> str:
    """Return the URL of the superuser for the server of ``url``."""
    return make_conninfo(url, user="postgres", dbname=database)


def url_of(url: str, database: str) -> str:
    """Return the URL of another database on the server of ``url``."""
    place = conninfo_to_dict(url)
    user = f"{place['user']}:{place['password']}"
    return f"postgresql://{user}@{place['host']}:{place['port']}/{database}"


@contextmanager
def connected_to(url: str) -> Iterator[None]:
    """Use another database until the block ends."""
    place = conninfo_to_dict(url)
    usual = {key: connection.settings_dict[key] for key in ADDRESS.values()}
    connection.close()
    connection.settings_dict |= {key: place[name] for name, key in ADDRESS.items()}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict |= usual


def manage(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py on a database."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ledger_project.settings",
            "LEDGER_DATABASE_URL": url,
        },
        capture_output=True,
        text=True,
        check=False,
    )
