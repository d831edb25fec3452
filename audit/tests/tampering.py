"""Change rows of a ledger in ways that the guards and constraints would refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import JSONField, Value

from accounts.models import Account, external_account_id
from audit.report import Report
from database import guards
from ledger_project.idempotency.models import IdempotencyKey
from transfers.approvals.models import Approval
from transfers.models import LedgerEntry, Transfer
from transfers.posting import EntryType
from transfers.tests.rich_ledger import RichLedger, leg

DAY = timedelta(days=1)
# Invalid metadata: it must be an object of strings.
INVALID_METADATA = {
    "a list": ["a"],
    "a text": "a",
    "null": Value(None, JSONField()),
    "an object with a number": {"a": "b", "c": 1},
    "an object with a list": {"a": ["b"]},
    "an object with an object": {"a": {"b": "c"}},
}
LARGE_METADATA = {
    "too many members": {str(number): "" for number in range(21)},
    "too many bytes": {"key": "x" * 100_000},
    "too many bytes, but not too many characters": {"key": "é" * 2_047},
}
DOLLARS, EUROS = external_account_id("USD"), external_account_id("EUR")
TABLES = tuple(
    model._meta.db_table for model in (Account, Transfer, LedgerEntry, Approval, IdempotencyKey)
)
# The findings when an entry of an EXTERNAL account has a wrong amount.
OUT_OF_BALANCE = {"currency_debits_equal_credits": 1, "currency_sums_to_zero": 1}


@contextmanager
def unguarded() -> Iterator[None]:
    """Drop the guards and CHECK constraints until the test's transaction is rolled back."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            guards.drop(connection)
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            try:
                yield
            finally:
                cursor.execute("PRAGMA ignore_check_constraints = OFF")
            return
        # A grouped request sets a timeout of 100 ms, which lasts until the test's transaction ends.
        # An autovacuum worker gives way to a change of its table only after a second.
        cursor.execute("SET LOCAL lock_timeout = 0")
        # A table can't be altered while deferred triggers are pending.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        guards.drop(connection)
        cursor.execute(
            "SELECT conrelid::regclass, conname FROM pg_constraint"
            " WHERE contype = 'c' AND conrelid::regclass::text = ANY(%s)",
            [list(TABLES)],
        )
        for table, constraint in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield


@contextmanager
def without_guards() -> Iterator[None]:
    """Drop the guards, and install them again afterwards. The CHECK constraints stay."""
    guards.drop(connection)
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table can't be altered while deferred triggers are pending.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    guards.install(connection)


def findings_of(report: Report) -> dict[str, int]:
    """Return the number of findings of each failed check, except of the schema and of events."""
    # The tests drop guards and CHECKs before they corrupt rows, and leave the events as they were.
    return {
        check.name: check.findings
        for check in report.checks
        if not check.ok and not check.name.startswith(("schema_", "event_"))
    }


def update_account(row: Account, **changes: Any) -> None:
    Account.objects.filter(pk=row.pk).update(**changes)


def update_external(**changes: Any) -> None:
    Account.objects.filter(pk=DOLLARS).update(**changes)


def update_transfer(row: Transfer, **changes: Any) -> None:
    Transfer.objects.filter(pk=row.pk).update(**changes)


def update_hold_of(row: Transfer, **changes: Any) -> None:
    """Change the hold that ``row`` resolves."""
    Transfer.objects.filter(pk=row.hold_id).update(**changes)


def update_entry(row: LedgerEntry, **changes: Any) -> None:
    LedgerEntry.objects.filter(pk=row.pk).update(**changes)


def entry_of(owner: Account, at: int) -> LedgerEntry:
    """Return one of an account's entries, the last one if ``at`` is -1."""
    return list(LedgerEntry.objects.filter(account=owner).order_by("sequence"))[at]


def external_entry(book: RichLedger) -> LedgerEntry:
    """Return the entry of a withdrawal in the EXTERNAL account."""
    return leg(book.withdrawal, EntryType.CREDIT)


def delete_rows(model: type[Any], **which: Any) -> None:
    """Delete rows by SQL, even if other rows refer to them."""
    table, key = model._meta.db_table, model._meta.pk
    with connection.cursor() as cursor:
        for row in model.objects.filter(**which):
            value = key.get_db_prep_value(row.pk, connection)
            cursor.execute(f"DELETE FROM {table} WHERE {key.column} = %s", [value])


def corruption(name: str, corrupt: Any, *once: str, **counted: int) -> Any:
    """
    Return a test parameter: a function that corrupts a ledger, and the expected findings.

    :param once: the checks that must have one finding.
    :param counted: the number of findings of other checks.
    """
    return pytest.param(corrupt, {**dict.fromkeys(once, 1), **counted}, id=name)
