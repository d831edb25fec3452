"""Alter the schema of the ledger, and return what the audit reports."""

from django.db import connection

from audit.ledger import check_ledger

CONSTRAINT = "schema_has_every_constraint"
COLUMN = "schema_has_every_column"
BETWEEN = "schema_has_nothing_in_between"
GUARD = "schema_has_every_guard"


def run(*statements: str) -> None:
    """Run SQL statements, one after the other."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def schema_findings() -> list[tuple[str, str]]:
    """Return the name of each failed schema check with the subject of each finding."""
    return [
        (check.name, finding.subject)
        for check in check_ledger().checks
        if check.name.startswith("schema_")
        for finding in check.examples
    ]
