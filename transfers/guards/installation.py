"""Install the guards around migrations, and check that none is missing."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import DatabaseError, connections

from transfers import guards


def drop_guards(using: str, plan: Sequence[Any] = (), **_signal: Any) -> None:
    """
    Drop the guards before migrations change a table on SQLite.

    SQLite refuses to rename or drop a table that a trigger of another table refers to.
    """
    if plan and connections[using].vendor == "sqlite":
        guards.drop(connections[using])


def reinstall_guards(using: str, **_signal: Any) -> None:
    """Install the missing guards after a ``migrate``."""
    if guards.tables_exist(connections[using]):
        guards.install(connections[using])


def check_guards(databases: Sequence[str] | None = None, **_options: Any) -> list[checks.Error]:
    """Return an error for each guard that is missing from a migrated database, or was altered."""
    found = []
    for alias in databases or ():
        connection = connections[alias]
        try:
            if not guards.tables_exist(connection):
                continue
            absent = guards.missing(connection)
        except DatabaseError:
            # Other code reports that the database is unavailable.
            continue
        found += [
            checks.Error(
                f"The guard {name} is missing from the database, or was altered.",
                hint="Run `manage.py migrate` to install it.",
                id="transfers.E001",
            )
            for name in absent
        ]
    return found
