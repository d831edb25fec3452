"""The audit on PostgreSQL: violations of UNIQUE constraints, and the snapshot."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.db.models import F

from audit.ledger import check_ledger
from audit.tests.tampering import (
    OUT_OF_BALANCE,
    entry_of,
    findings_of,
    unguarded,
    update_entry,
    update_transfer,
)
from transfers.models import Transfer
from transfers.posting import EntryType
from transfers.tests.rich_ledger import RichLedger, leg, make_rich_ledger

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(funded_account, alice, staff) -> RichLedger:
    return make_rich_ledger(funded_account, alice, staff)


@pytest.fixture
def without_uniques(book) -> Iterator[None]:
    """Drop the guards, CHECKs and UNIQUE constraints after the ledger is filled."""
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT conrelid::regclass, conname FROM pg_constraint"
            " WHERE contype = 'u' AND conrelid::regclass::text LIKE 'transfers_%'"
        )
        for table, constraint in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        yield


def resolve_a_hold_twice(book: RichLedger) -> None:
    update_transfer(book.void, hold=book.release.hold, amount=F("amount") - 4_00)


def reverse_a_transfer_twice(book: RichLedger) -> None:
    copy = Transfer.objects.get(pk=book.reversal.pk)
    copy.pk = None
    copy.save(force_insert=True)


def use_a_sequence_twice(book: RichLedger) -> None:
    """Give the last two entries of an account the same sequence."""
    before, last = entry_of(book.payee, -2), entry_of(book.payee, -1)
    # With one time for both, it doesn't matter in which order the audit reads them.
    update_entry(last, ts=before.ts, sequence=before.sequence, balance=F("balance") + before.amount)


def write_a_leg_twice(book: RichLedger) -> None:
    copy = leg(book.withdrawal, EntryType.CREDIT)
    copy.pk = None
    copy.save(force_insert=True)


@pytest.mark.parametrize(
    ("corrupt", "expected"),
    [
        (
            resolve_a_hold_twice,
            {
                "original_is_resolved_once": 2,
                "account_held_is_its_holds": 1,
                "hold_held_follows": 1,
            },
        ),
        (reverse_a_transfer_twice, {"original_is_resolved_once": 2, "transfer_has_both_legs": 1}),
        (
            use_a_sequence_twice,
            {
                "account_balance_is_its_last_entrys": 1,
                "account_last_posted_when_its_last_entry": 1,
                "account_version_counts_its_entries": 1,
                "entry_sequence_has_no_gap": 1,
                "entry_balance_follows": 1,
                "entry_has_the_time_of_its_transfer": 1,
                "leg_is_no_older_than_its_transfer": 1,
            },
        ),
        (write_a_leg_twice, {"transfer_has_both_legs": 1, **OUT_OF_BALANCE}),
    ],
)
def test_a_violation_of_a_unique_constraint_is_found(
    book, without_uniques, corrupt: Callable[[RichLedger], None], expected: dict[str, int]
):
    corrupt(book)

    assert findings_of(check_ledger()) == expected


@pytest.mark.django_db(transaction=True)
def test_an_audit_is_one_read_only_snapshot_without_timeouts():
    def show(name: str) -> str:
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW {name}")
            return cursor.fetchone()[0]

    names = (
        "transaction_isolation",
        "transaction_read_only",
        "lock_timeout",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
    )
    before = [show(name) for name in names]
    during = []

    check_ledger(lambda done, total: during.append([show(name) for name in names]))

    assert before == ["read committed", "off", "3s", "8s", "10s"]
    assert during == [["repeatable read", "on", "0", "0", "0"]] * 6
    assert [show(name) for name in names] == before
