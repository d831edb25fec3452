#!/usr/bin/env python
"""Django's command line for Mini Ledger."""

import os
import sys

UNDEFINED_TABLE = "42P01"

# The commands that run as services. Their output is collected, and never read by a person.
SERVICES = ("deliver_webhooks",)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger_project.settings")
    is_service = sys.argv[1:2] and sys.argv[1] in SERVICES
    if is_service:
        from ledger_project.printed import as_log_lines

        as_log_lines()
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management.base import CommandError
    from django.db import InterfaceError, OperationalError, ProgrammingError

    from database.exceptions import UnusableDatabase
    from ledger_project.command_line import CommandLine
    from ledger_project.ledgers import commands

    try:
        arguments = commands.parse(sys.argv)
        # A service works on all of them at once.
        if arguments.is_for_all and not is_service:
            sys.exit(commands.run_for_all(arguments.others[0], arguments.others[1:]))
        if arguments.host is not None:
            commands.choose(arguments.host)
        CommandLine(arguments.others).execute()
    except CommandError as error:
        sys.exit(f"CommandError: {error}")
    except ImproperlyConfigured:
        # Django's way to say that there is no database.
        if not commands.is_undecided():
            raise
        print(commands.question(), file=sys.stderr)
        sys.exit(2)
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
