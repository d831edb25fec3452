#!/usr/bin/env python
"""Django's command line for Mini Ledger."""

import os
import sys

UNDEFINED_TABLE = "42P01"

# The commands that run as services. Their output is collected, and never read by a person.
SERVICES = ("deliver_webhooks",)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger_project.settings")
    if sys.argv[1:2] and sys.argv[1] in SERVICES:
        from ledger_project.printed import as_log_lines

        as_log_lines()
    from django.db import InterfaceError, OperationalError, ProgrammingError

    from database.exceptions import UnusableDatabase
    from ledger_project.command_line import CommandLine

    try:
        CommandLine(sys.argv).execute()
    except (InterfaceError, OperationalError, ProgrammingError) as error:
        # A ProgrammingError is a mistake in the code, unless a table or a connection is meant.
        sqlstate = getattr(error.__cause__, "sqlstate", None)
        mistake = isinstance(error, ProgrammingError) and sqlstate not in (None, UNDEFINED_TABLE)
        if mistake or "--traceback" in sys.argv:
            raise
        # 2, so that a job can tell a database that is away from books that don't balance.
        print(f"The database can't be used: {' '.join(str(error).split())}", file=sys.stderr)
        if sqlstate == UNDEFINED_TABLE or "no such table" in str(error):
            print("It is not migrated: `manage.py migrate` makes its tables.", file=sys.stderr)
        elif not isinstance(error, UnusableDatabase):
            print("Is it running, and is LEDGER_DATABASE_URL its address?", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
