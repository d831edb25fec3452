"""The system check of the schema, for ``manage.py check --database default``."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import DatabaseError, connections

from audit.protection import GUARDS, schema_results
from transfers import guards


def check_schema(databases: Sequence[str] | None = None, **_options: Any) -> list[checks.Error]:
    """Report what a migrated database lacks besides its guards, which have a check of their own."""
    found = []
    for alias in databases or ():
        try:
            if not guards.tables_exist(connections[alias]):
                continue
            results = schema_results(connections[alias])
        except DatabaseError:
            # A database that is away says so by itself.
            continue
        found += [
            checks.Error(
                f"{finding.subject}: {finding.problem}.",
                hint="Put it back by hand: `manage.py migrate` only installs guards.",
                id="audit.E001",
            )
            for result in results
            if result.name != GUARDS
            for finding in result.examples
        ]
    return found
