"""Install the guards of an app around migrations, and check that none is missing."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import DatabaseError, connections
from django.db.models.signals import post_migrate, pre_migrate

from database.guards import GuardSet


def keep_installed(app: AppConfig, guards: GuardSet) -> None:
    """Install an app's guards after each ``migrate``, and check them in ``manage.py check``."""
    # Not weakly referenced: nothing else holds these functions.
    pre_migrate.connect(partial(_drop, guards), sender=app, weak=False)
    post_migrate.connect(partial(_reinstall, guards), sender=app, weak=False)
    checks.register(partial(check, app.label, guards), checks.Tags.database)


def check(
    label: str, guards: GuardSet, databases: Sequence[str] | None = None, **_options: Any
) -> list[checks.Error]:
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
                id=f"{label}.E001",
            )
            for name in absent
        ]
    return found


def _drop(guards: GuardSet, using: str, plan: Sequence[Any] = (), **_signal: Any) -> None:
    # SQLite refuses to rename or drop a table that a trigger of another table refers to.
    if plan and connections[using].vendor == "sqlite":
        guards.drop(connections[using])


def _reinstall(guards: GuardSet, using: str, **_signal: Any) -> None:
    if guards.tables_exist(connections[using]):
        guards.install(connections[using])
