"""
Detect databases of an earlier, unreleased version, which `migrate` can't update.

Until the first release, each app has a single migration, which is edited when the models change. An
older database has recorded this migration as applied, so `migrate` wouldn't add what is missing.

A constraint that was changed isn't detected here. `manage.py check --database default` and
`verify_ledger` report it, because `audit.protection` compares every constraint with the models. A
database of the current version can lose a constraint too, and `verify_ledger` must then be able to
say so.
"""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor

from database.exceptions import UnusableDatabase

# The apps of this project, whose migrations may have changed since they were applied.
APPS = (
    "accounts",
    "transfers",
    "approvals",
    "audit",
    "events",
    "webhooks",
    "idempotency",
    "service_keys",
    "ledger_project",
)

# How many missing tables and columns the message names.
NAMED = 5


def why_made_anew(
    connection: BaseDatabaseWrapper, plan: Iterable[tuple[Migration, bool]]
) -> str | None:
    """
    Return one line that says why the database must be recreated, or None if it needn't be.

    :param plan: the unapplied migrations; the tables of their apps aren't checked
    """
    missing = _missing(connection, {migration.app_label for migration, _ in plan})
    if not missing:
        return None
    named = ", ".join(missing[:NAMED])
    if len(missing) > NAMED:
        named += f" and {len(missing) - NAMED} more"
    return (
        "This database was created by an earlier, unreleased version of Mini Ledger: it lacks "
        f"{named}. Create a new one (for the demo: rm mini_ledger.db*)."
    )


def require_no_earlier_version(connection: BaseDatabaseWrapper) -> None:
    """
    Check that the database wasn't created by an earlier version.

    :raises UnusableDatabase: if it must be recreated
    """
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if reason := why_made_anew(connection, plan):
        raise UnusableDatabase(reason)


def _missing(connection: BaseDatabaseWrapper, pending: set[str]) -> list[str]:
    """Return the names of the models' tables and columns that the database lacks."""
    missing = []
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if "events" in pending and "accounts_account" in tables and _is_used(cursor):
            # The log must tell of everything, and it can't be added to a ledger with a history.
            pending = pending - {"events"}
        for app in APPS:
            for model in () if app in pending else apps.get_app_config(app).get_models():
                table = model._meta.db_table
                if table not in tables:
                    missing.append(table)
                    continue
                described = connection.introspection.get_table_description(cursor, table)
                columns = {column.name for column in described}
                missing += [
                    f"{table}.{field.column}"
                    for field in model._meta.local_concrete_fields
                    if field.column not in columns
                ]
    return missing


def _is_used(cursor: Any) -> bool:
    cursor.execute("SELECT EXISTS (SELECT 1 FROM accounts_account WHERE kind = 'CUSTOMER')")
    return bool(cursor.fetchone()[0])
