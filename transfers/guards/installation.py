"""When the guards are installed, and who notices that one is missing."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import DatabaseError, connections

from transfers import guards


def make_way(using: str, plan: Sequence[Any] = (), **_signal: Any) -> None:
    """
    Drop the guards before migrations change a table on SQLite.

    It refuses to rename or drop a table while a trigger of another one names it.
    """
    if plan and connections[using].vendor == "sqlite":
        guards.drop(connections[using])


def reinstall_guards(using: str, **_signal: Any) -> None:
    """Install, after each ``migrate``, what is missing: SQLite's table remake drops triggers."""
    if guards.tables_exist(connections[using]):
        guards.install(connections[using])


def check_guards(databases: Sequence[str] | None = None, **_options: Any) -> list[checks.Error]:
    """Report each guard that a migrated database lacks."""
    found = []
    for alias in databases or ():
        connection = connections[alias]
        try:
            if not guards.tables_exist(connection):
                continue
            absent = guards.missing(connection)
        except DatabaseError:
            # A database that is away says so by itself.
            continue
        found += [
            checks.Error(
                f"The guard {name} is missing from the database, or was altered.",
                hint="Run `manage.py migrate`: it installs what is missing.",
                id="transfers.E001",
            )
            for name in absent
        ]
    return found
