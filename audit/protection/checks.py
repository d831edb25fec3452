"""The system check ``audit.E001``, for ``manage.py check --database default``."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import DatabaseError, connections

from audit.protection import GUARDS, schema_results
from database import guards


def check_schema(databases: Sequence[str] | None = None, **_options: Any) -> list[checks.Error]:
    """Report violations of the schema checks, except guards: these have their own system check."""
    found = []
    for alias in databases or ():
        try:
            if not guards.tables_exist(connections[alias]):
                continue
            results = schema_results(connections[alias])
        except DatabaseError:
            # Other checks report that the database can't be reached.
            continue
        found += [
            checks.Error(
                f"{finding.subject}: {finding.problem}.",
                hint="Correct the schema by hand: `manage.py migrate` only restores guards.",
                id="audit.E001",
            )
            for result in results
            if result.name != GUARDS
            for finding in result.examples
        ]
    return found
