"""
What protects the books: whether the database still has it, and as the models and the guards say.

``expected`` reads from the models what each table must have; ``postgresql`` and ``sqlite`` compare
it with the database's own catalog. Nothing is written, and no right is needed but to read.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

from audit.protection import expected, postgresql, sqlite
from audit.report import Finding, Result
from transfers import guards

GUARDS = "schema_has_every_guard"
DESCRIPTIONS = {
    GUARDS: "Every guard is there, switched on and as in its file",
    "schema_has_every_column": "Every column is there, of its type, and NOT NULL where it must be",
    "schema_has_every_constraint": (
        "Every CHECK, key and foreign key of the models is there, valid and enforced"
    ),
    "schema_has_nothing_in_between": (
        "No trigger, rule, policy, view or child table comes between the ledger and its tables"
    ),
    "schema_is_enforced": "The database is told to enforce constraints and to run triggers",
}


def schema_results(connection: BaseDatabaseWrapper) -> list[Result]:
    """Return what became of each check of the schema."""
    results = {name: Result(name, text) for name, text in DESCRIPTIONS.items()}
    for guard in guards.missing(connection):
        problem = "the guard is missing, switched off or altered"
        results[GUARDS].add(Finding(guard, problem))
    catalog = sqlite if connection.vendor == "sqlite" else postgresql
    for check, subject, problem in catalog.problems(connection, expected.tables(connection)):
        results[check].add(Finding(subject, problem))
    return list(results.values())
