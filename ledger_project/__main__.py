"""Start the service: ``python -m ledger_project --port 8000``."""

import signal

# This must come before the other imports, because some libraries swallow a KeyboardInterrupt while
# they are imported. Until gunicorn takes over, SIGINT terminates the process immediately.
signal.signal(signal.SIGINT, signal.SIG_DFL)

# ruff: noqa: E402
from ledger_project.printed import as_log_lines

if __name__ == "__main__":
    # Before anything can fail.
    as_log_lines()

import argparse
import gc
import os
import sys
from tempfile import TemporaryFile

import structlog
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

OWNER = (
    "The database's role owns the tables, so it can switch the guards off. Use a role with fewer "
    "privileges: see docs/databases.md."
)

logger = structlog.get_logger("ledger.start")


def main() -> None:
    """Load the application and serve it until a signal stops the process."""
    parser = argparse.ArgumentParser(prog="ledger_project", description="Start the service.")
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=int,
        choices=range(65536),
        metavar="PORT",
        default=8000,
        help="the TCP port to listen on; 0 picks a free port (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=_positive,
        default=2,
        help="the number of worker processes (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=_positive,
        default=16,
        help="the number of requests that each worker handles at a time (default: %(default)s)",
    )
    options = parser.parse_args()

    application = load()

    from django.conf import settings

    from events.news import poll
    from ledger_project.environment import env
    from ledger_project.ledgers.polling import in_its_ledger
    from ledger_project.ledgers.pool import pool
    from ledger_project.ledgers.registry import registry
    from ledger_project.server.forwarded import TrustedProxies
    from ledger_project.server.front import EXPORT_THREADS, Front
    from ledger_project.server.supervisor import Service, allow_open_files, listen
    from ledger_project.server.waiting import LOOKS_AT_A_TIME

    for mistake in env.mistaken():
        logger.warning(mistake)
    if settings.LEDGERS:
        # Each database is only opened when it is needed, so one that can't be used does no harm.
        registry()
        pool.most = options.threads + EXPORT_THREADS + LOOKS_AT_A_TIME
    else:
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
        poll=in_its_ledger(poll),
    )
    # Don't look for garbage in what was loaded. It would take 30 ms each time, and each worker
    # would get its own copy of that memory, because the search writes to it.
    gc.collect()
    gc.freeze()
    Service(front, listener, options.workers).run()


def _positive(text: str) -> int:
    """Return the text as an integer of at least 1. argparse reports the ``ValueError``."""
    if (number := int(text)) < 1:
        raise ValueError
    return number


def load() -> WSGIHandler:
    """Load the whole application before the fork, so that new workers start immediately."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger_project.settings")
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        # The metrics open files in this folder as soon as they are imported.
        _create_folder(folder)
    application = get_wsgi_application()

    from django.urls import get_resolver

    from ledger_project.openapi.views import openapi_document

    _ = get_resolver().url_patterns
    openapi_document()
    return application


def _create_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
        # Check that files can be created in it: each process creates its own.
        TemporaryFile(dir=folder).close()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        sys.exit(f"Mini Ledger can't start: PROMETHEUS_MULTIPROC_DIR {folder!r}: {reason}")


def _check_database() -> None:
    """
    Exit if the database is unusable, or if its URL can never work.

    A database that is unavailable may come back, so it doesn't prevent the start.
    """
    from django.conf import settings
    from django.db import DatabaseError, connection

    from audit import protection
    from database.exceptions import UnusableDatabase
    from ledger_project.database_url import why_never_connected

    try:
        connection.ensure_connection()
        if settings.HTTPS and protection.owns_tables(connection):
            logger.warning(OWNER)
    except UnusableDatabase as error:
        sys.exit(f"Mini Ledger can't start: {error}")
    except DatabaseError as error:
        if reason := why_never_connected(str(error)):
            sys.exit(f"Mini Ledger can't start: LEDGER_DATABASE_URL: {reason}")
    finally:
        # A connection must not be shared with the forked workers.
        connection.close()


if __name__ == "__main__":
    main()
