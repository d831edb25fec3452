"""Alter the schema of the ledger, and return what the audit reports."""

from django.db import connection

from audit.ledger import check_ledger

CONSTRAINT = "schema_has_every_constraint"
COLUMN = "schema_has_every_column"
BETWEEN = "schema_has_nothing_in_between"
GUARD = "schema_has_every_guard"


# The tables and conditions of CHECKs that the models' own CHECKs imply, and of others.
WEAKER_CHECKS = [
    ("transfers_transfer", "amount > 0"),
    ("transfers_transfer", "amount >= 1 AND amount < 9007199254740992"),
    ("transfers_transfer", "NOT (amount BETWEEN -5 AND 0)"),
    ("transfers_transfer", "amount NOT IN (0, -1)"),
    ("transfers_transfer", "hold_sequence IS NULL OR hold_sequence IS NOT NULL"),
    ("transfers_transfer", "kind <> ''"),
    ("accounts_account", "kind IN ('CUSTOMER', 'it''s another', 'EXTERNAL')"),
    ("accounts_account", "status <> 'open'"),
    ("accounts_account", "overdraft_limit >= -1"),
    ("accounts_account", "version <> -777"),
]
REFUSING_CHECKS = [
    ("transfers_transfer", "amount > 1"),
    ("transfers_transfer", "amount <> 777"),
    ("transfers_transfer", "amount < 9007199254740991"),
    ("transfers_transfer", "amount % 1000 <> 999"),
    ("transfers_transfer", "amount - 5 <> 300"),
    ("transfers_transfer", "-amount < -7 OR amount = 3"),
    ("transfers_transfer", "amount NOT IN (2, 7, 9)"),
    ("transfers_transfer", "hold_sequence IS NOT NULL"),
    ("transfers_transfer", "hold_sequence < 1000"),
    ("transfers_transfer", "kind <> 'VOID'"),
    ("transfers_transfer", "memo <> ''"),
    ("transfers_transfer", "memo <> 'another value'"),
    ("transfers_transfer", "memo = ''"),
    ("transfers_transfer", "NOT (memo IN ('1'))"),
    ("transfers_transfer", "memo < 'zz'"),
    ("transfers_transfer", "memo BETWEEN '' AND 'zz'"),
    ("transfers_transfer", "lower(memo) <> 'other'"),
    ("transfers_transfer", "amount <> 1 / 0"),
    ("accounts_account", "kind IN ('EXTERNAL')"),
    ("accounts_account", "balance < held + 1000"),
]


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
