"""Start the service: ``python -m ledger_project.server --port 8000``."""

import signal

# First of all, because some libraries swallow a KeyboardInterrupt while they are loaded: until
# gunicorn takes over, SIGINT ends the process like any other signal.
signal.signal(signal.SIGINT, signal.SIG_DFL)

# ruff: noqa: E402
import argparse
import os
import sys
from tempfile import TemporaryFile

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application


def main() -> None:
    """Load the application, and serve it until told to stop."""
    parser = argparse.ArgumentParser(prog="ledger_project.server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, choices=range(65536), metavar="PORT", default=8000)
    parser.add_argument("--workers", type=_positive, default=2, help="processes")
    parser.add_argument(
        "--threads", type=_positive, default=8, help="requests at a time, per worker"
    )
    options = parser.parse_args()

    application = load()

    from django.conf import settings

    from ledger_project.server.forwarded import TrustedProxies
    from ledger_project.server.front import Front
    from ledger_project.server.supervisor import Service, allow_open_files, listen

    _check_database()
    allow_open_files()
    try:
        listener = listen(options.host, options.port)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        sys.exit(f"Mini Ledger can't listen on {options.host}:{options.port}: {reason}")
    front = Front(
        application,
        threads=options.threads,
        proxies=TrustedProxies(settings.TRUSTED_PROXIES),
        largest_body=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    )
    Service(front, listener, options.workers).run()


def _positive(text: str) -> int:
    """Return a number of at least 1; argparse tells of any other."""
    if (number := int(text)) < 1:
        raise ValueError
    return number


def load() -> WSGIHandler:
    """Load the application whole: before the fork, so that a new worker has nothing left to do."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger_project.settings")
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        # The counters open their files in it as they are made.
        _make(folder)
    application = get_wsgi_application()

    from django.urls import get_resolver

    from ledger_project.openapi.views import openapi_document

    _ = get_resolver().url_patterns
    openapi_document()
    return application


def _make(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
        # Each process makes files of its own in it.
        TemporaryFile(dir=folder).close()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        sys.exit(f"Mini Ledger can't start: PROMETHEUS_MULTIPROC_DIR {folder!r}: {reason}")


def _check_database() -> None:
    """
    End the process if the database must not be used, or can never be reached by its URL.

    One that is away may come back.
    """
    from django.db import DatabaseError, connection

    from database.exceptions import UnusableDatabase
    from ledger_project.database_url import why_never_connected

    try:
        connection.ensure_connection()
    except UnusableDatabase as error:
        sys.exit(f"Mini Ledger can't start: {error}")
    except DatabaseError as error:
        if reason := why_never_connected(str(error)):
            sys.exit(f"Mini Ledger can't start: LEDGER_DATABASE_URL: {reason}")
    finally:
        # No connection survives a fork.
        connection.close()


if __name__ == "__main__":
    main()
