"""Django's command line. The ledger's commands refuse a database of an earlier version."""

from functools import partial
from typing import Any

from django.core.management import BaseCommand, ManagementUtility, get_commands
from django.db import connection

from ledger_project.earlier_versions import APPS, require_no_earlier_version


class CommandLine(ManagementUtility):
    """The command line of ``manage.py``."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        command = super().fetch_command(subcommand)
        app = get_commands().get(subcommand, "")
        # `migrate` checks the database of its `--database` option itself, while it holds its lock.
        if app.rpartition(".")[2] in APPS and subcommand != "migrate":
            handle = partial(_handle_on_current_tables, command.handle)
            command.handle = handle  # type: ignore[method-assign]
        return command


def _handle_on_current_tables(handle: Any, *args: Any, **options: Any) -> str | None:
    require_no_earlier_version(connection)
    return handle(*args, **options)
