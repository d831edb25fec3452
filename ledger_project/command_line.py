"""
Django's command line. It lists the ledger's commands first.

The ledger's commands refuse a database of an earlier version.
"""

from collections.abc import Container
from functools import partial
from typing import Any

from django.core.management import (
    BaseCommand,
    ManagementUtility,
    get_commands,
    load_command_class,
)
from django.db import connection

from ledger_project.earlier_versions import APPS, require_no_earlier_version
from ledger_project.ledgers.commands import is_undecided


class CommandLine(ManagementUtility):
    """The command line of ``manage.py``."""

    def main_help_text(self, commands_only: bool = False) -> str:
        usual = super().main_help_text(commands_only)
        own = _own_commands()
        if commands_only or not own:
            return usual
        # Under one heading, although several apps have commands.
        width = max(map(len, own))
        listed = [f"    {name:{width}}  {summary}" for name, summary in own.items()]
        usage, title, *groups = usual.split("\n\n")
        others = filter(None, (_without(group, own) for group in groups))
        return "\n\n".join([usage, title, "\n".join(["[mini ledger]", *listed]), *others])

    def fetch_command(self, subcommand: str) -> BaseCommand:
        command = super().fetch_command(subcommand)
        # `migrate` checks the database of its `--database` option itself, while it holds its lock.
        # `deliver_webhooks` may work on several databases.
        checks_itself = subcommand == "migrate" or (
            subcommand == "deliver_webhooks" and is_undecided()
        )
        if _is_own(get_commands().get(subcommand, "")) and not checks_itself:
            handle = partial(_handle_on_current_tables, command.handle)
            command.handle = handle  # type: ignore[method-assign]
        return command


def _is_own(app: str | BaseCommand) -> bool:
    return isinstance(app, str) and app.rpartition(".")[2] in APPS


def _own_commands() -> dict[str, str]:
    """Return the first sentence of the help of each of the ledger's commands."""
    own = {name: app for name, app in sorted(get_commands().items()) if _is_own(app)}
    summaries = {name: load_command_class(app, name).help for name, app in own.items()}
    return {name: help.partition(". ")[0].rstrip(".") for name, help in summaries.items()}


def _without(group: str, names: Container[str]) -> str:
    """Return a heading with its commands except these, or nothing if no command is left."""
    heading, *lines = group.split("\n")
    kept = [line for line in lines if line.strip() not in names]
    return "\n".join([heading, *kept]) if kept else ""


def _handle_on_current_tables(handle: Any, *args: Any, **options: Any) -> str | None:
    require_no_earlier_version(connection)
    return handle(*args, **options)
