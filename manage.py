#!/usr/bin/env python
"""Django's command line for Mini Ledger."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger_project.settings")
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError, InterfaceError

    try:
        execute_from_command_line(sys.argv)
    except (DatabaseError, InterfaceError) as error:
        if "--traceback" in sys.argv:
            raise
        # 2, so that a job can tell a database that is away from books that don't balance.
        print(f"The database can't be used: {' '.join(str(error).split())}", file=sys.stderr)
        print("Is it there, and migrated? `manage.py migrate` makes its tables.", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
