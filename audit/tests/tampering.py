"""Tampering with a ledger behind its back: what the guards and constraints would refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import JSONField, Value

from accounts.models import Account, external_account_id
from audit.report import Report
from ledger_project.idempotency.models import IdempotencyKey
from transfers import guards
from transfers.models import LedgerEntry, Transfer
from transfers.posting import EntryType
from transfers.tests.rich_ledger import RichLedger, leg

DAY = timedelta(days=1)
# What no metadata may be.
NOT_STRINGS = {
    "a list": ["a"],
    "a text": "a",
    "null": Value(None, JSONField()),
    "a number in it": {"a": "b", "c": 1},
    "a list in it": {"a": ["b"]},
    "an object in it": {"a": {"b": "c"}},
}
DOLLARS, EUROS = external_account_id("USD"), external_account_id("EUR")
TABLES = tuple(model._meta.db_table for model in (Account, Transfer, LedgerEntry, IdempotencyKey))
# What a figure in the outside world does that is off.
OUT_OF_BALANCE = {"currency_debits_equal_credits": 1, "currency_sums_to_zero": 1}


@contextmanager
def unguarded() -> Iterator[None]:
    """Do without the guards and the CHECK constraints until the test's transaction rolls back."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            guards.drop(connection)
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            try:
                yield
            finally:
                cursor.execute("PRAGMA ignore_check_constraints = OFF")
            return
        # A table is not altered while deferred triggers wait for its rows.
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
    """Do without the guards, and have them again: the CHECKs stay, and the schema is whole."""
    guards.drop(connection)
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table is not altered while deferred triggers wait for its rows.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    guards.install(connection)


def broken(report: Report) -> dict[str, int]:
    """Return how much each check of the books that fails has found."""
    # Who breaks a book in a test has taken down what protects it.
    return {
        check.name: check.findings
        for check in report.checks
        if not check.ok and not check.name.startswith("schema_")
    }


def account(row: Account, **changes: Any) -> None:
    Account.objects.filter(pk=row.pk).update(**changes)


def external(**changes: Any) -> None:
    Account.objects.filter(pk=DOLLARS).update(**changes)


def transfer(row: Transfer, **changes: Any) -> None:
    Transfer.objects.filter(pk=row.pk).update(**changes)


def held_of(row: Transfer, **changes: Any) -> None:
    """Change the hold that ``row`` resolves."""
    Transfer.objects.filter(pk=row.hold_id).update(**changes)


def entry(row: LedgerEntry, **changes: Any) -> None:
    LedgerEntry.objects.filter(pk=row.pk).update(**changes)


def entry_of(owner: Account, at: int) -> LedgerEntry:
    """Return one of an account's entries, the last one if ``at`` is -1."""
    return list(LedgerEntry.objects.filter(account=owner).order_by("sequence"))[at]


def outside(book: RichLedger) -> LedgerEntry:
    """Return the leg of a withdrawal in the outside world."""
    return leg(book.withdrawal, EntryType.CREDIT)


def delete(model: type[Any], **which: Any) -> None:
    """Delete rows as raw SQL would, whatever refers to them."""
    table, key = model._meta.db_table, model._meta.pk
    with connection.cursor() as cursor:
        for row in model.objects.filter(**which):
            value = key.get_db_prep_value(row.pk, connection)
            cursor.execute(f"DELETE FROM {table} WHERE {key.column} = %s", [value])


def corruption(name: str, corrupt: Any, *once: str, **counted: int) -> Any:
    """Return a way to corrupt a ledger, and how much each check then finds: one, or as counted."""
    return pytest.param(corrupt, {**dict.fromkeys(once, 1), **counted}, id=name)
