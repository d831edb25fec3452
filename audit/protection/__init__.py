"""
The schema checks: whether the database has the columns, constraints and guards that it should.

``expected`` derives from the models what each table must have. ``postgresql`` and ``sqlite``
compare that with the database's catalog, and find what else prevents the ledger from writing. They
write nothing, and only need the right to read.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

from audit.protection import expected, postgresql, postgresql_writes, sqlite
from audit.protection.postgresql_writes import Privilege
from audit.report import Finding, Result
from database import guards

GUARDS = "schema_has_every_guard"
DESCRIPTIONS = {
    GUARDS: "Every guard exists, is enabled and is as in its file",
    "schema_has_every_column": "Every column exists, with its type, default and NOT NULL",
    "schema_has_every_constraint": (
        "Every CHECK, unique key and foreign key of the models exists, valid and enforced"
    ),
    "schema_has_nothing_in_between": (
        "No trigger, rule, policy, view or child table interferes with the ledger's tables"
    ),
    "schema_takes_writes": (
        "No privilege, sequence or publication prevents the ledger from writing"
    ),
    "schema_is_enforced": "The database settings enforce constraints and run triggers",
}


def schema_results(connection: BaseDatabaseWrapper) -> list[Result]:
    """Return the result of each schema check."""
    results = {name: Result(name, text) for name, text in DESCRIPTIONS.items()}
    for guard in guards.missing(connection):
        problem = "the guard is missing, disabled or altered; `migrate` restores it"
        results[GUARDS].add(Finding(guard, problem))
    catalog = sqlite if connection.vendor == "sqlite" else postgresql
    tables = expected.tables(connection)
    for check, subject, problem in catalog.problems(connection, tables):
        results[check].add(Finding(subject, problem))
    return list(results.values())


def lacking_privileges(connection: BaseDatabaseWrapper) -> list[Privilege]:
    """Return the privileges that the role of this connection lacks, those to read first."""
    return [] if connection.vendor == "sqlite" else postgresql_writes.lacking_privileges(connection)


def owns_tables(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the role of this connection can switch off the guards."""
    return connection.vendor != "sqlite" and postgresql_writes.owns_tables(connection)


def why_no_inserts(connection: BaseDatabaseWrapper) -> str | None:
    """Return a sentence that says which table takes no more rows from the API, or None."""
    catalog = sqlite if connection.vendor == "sqlite" else postgresql_writes
    used_up = dict(catalog.used_up_ids(connection))
    inserted = postgresql_writes.WRITTEN.keys() | postgresql_writes.WRITTEN_BY_GUARDS
    if full := sorted(used_up.keys() & inserted):
        return f"No row can be inserted into {full[0]}, because its ids are used up."
    return None
