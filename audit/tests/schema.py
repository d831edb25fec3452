"""Altering the schema of the ledger, and what the audit finds of it."""

from django.db import connection

from audit.ledger import check_ledger

CONSTRAINT = "schema_has_every_constraint"
COLUMN = "schema_has_every_column"
BETWEEN = "schema_has_nothing_in_between"
GUARD = "schema_has_every_guard"


def run(*statements: str) -> None:
    """Run SQL statements as an intruder would, one after the other."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def schema_findings() -> list[tuple[str, str]]:
    """Return which checks of the schema fail, each with what it has found."""
    return [
        (check.name, finding.subject)
        for check in check_ledger().checks
        if check.name.startswith("schema_")
        for finding in check.examples
    ]
