"""
The database accepts only instants in the years 1 to 9999, also from raw SQL.

PostgreSQL also accepts infinity and years BC, and SQLite accepts any text. Every query that reads
such a row would fail.
"""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Account, AccountChange
from ledger_project.tests.replacing import drop_replace_guards
from transfers.models import LedgerEntry, Transfer
from transfers.tests.rich_ledger import make_rich_ledger

pytestmark = pytest.mark.django_db

NO_INSTANTS = {
    "postgresql": ["infinity", "-infinity", "10000-01-01 00:00Z", "0001-12-31 23:59:59Z BC"],
    "sqlite": ["infinity", "-infinity", "tomorrow", ""],
}[connection.vendor]
TIMES = {
    "account_created_at_within_calendar": (Account, "created_at"),
    "account_last_posted_at_within_calendar": (Account, "last_posted_at"),
    "change_at_within_calendar": (AccountChange, "at"),
    "transfer_created_at_within_calendar": (Transfer, "created_at"),
    "transfer_expires_at_within_calendar": (Transfer, "expires_at"),
    "entry_ts_within_calendar": (LedgerEntry, "ts"),
}


@pytest.fixture(autouse=True)
def history(funded_account, alice, staff):
    make_rich_ledger(funded_account, alice, staff)
    drop_replace_guards()


def insert_again(model, column: str, time: str) -> None:
    """Insert an existing row with another time. CHECKs are evaluated before unique indexes."""
    columns = [field.column for field in model._meta.local_fields]
    values = [f"'{time}'" if each == column else each for each in columns]
    table = model._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table}"
            f" WHERE {column} IS NOT NULL LIMIT 1"
        )


@pytest.mark.parametrize("time", NO_INSTANTS)
@pytest.mark.parametrize("constraint", TIMES)
def test_an_instant_outside_the_calendar_is_refused(constraint, time):
    with pytest.raises(IntegrityError, match=constraint):
        insert_again(*TIMES[constraint], time)


@pytest.mark.parametrize("time", ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"])
@pytest.mark.parametrize("constraint", TIMES)
def test_the_first_and_last_instants_of_the_calendar_are_accepted(constraint, time):
    # It passes the CHECKs and fails at the unique index of the ids.
    with pytest.raises(IntegrityError, match=r"UNIQUE constraint failed|_pkey"):
        insert_again(*TIMES[constraint], time)
