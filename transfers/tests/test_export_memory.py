"""An export of any length takes the memory of one chunk."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psutil
import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Account
from database import guards
from transfers import clock
from transfers import export as exports
from transfers.models import LedgerEntry, Transfer

# Committed, as in production. PostgreSQL would take a table of uncommitted rows for empty, and plan
# to read all of it for each row of a chunk.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.no_cover]

# The number of rows, and how many of them the shorter export has.
ROWS, SOME = 100_000, 2_000

# Copies of one transfer and one entry, numbered from 2 and dated a second apart.
NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"
NEW_ID, LATER = {
    "sqlite": ("printf('%%032x', n)", "datetime({}, n || ' seconds')"),
    "postgresql": ("lpad(to_hex(n), 32, '0')::uuid", "{} + n * interval '1 second'"),
}[connection.vendor]
COPIED = {
    "transfers_transfer": {"id": NEW_ID, "created_at": LATER.format("created_at")},
    "transfers_ledgerentry": {
        "id": NEW_ID,
        "transfer_id": NEW_ID,
        "ts": LATER.format("ts"),
        "sequence": "n",
        "balance": "n",
    },
}


@pytest.fixture
def long_account(alice, funded_account) -> Account:
    """An account with many deposits. They are only rows to read, and the guards are dropped."""
    with clock.at(timezone.now() - timedelta(seconds=2 * ROWS)):
        account = funded_account(alice, balance=1)
    [entry] = LedgerEntry.objects.filter(account=account)
    guards.drop(connection)
    with transaction.atomic(), connection.cursor() as cursor:
        for model, row in ((Transfer, entry.transfer), (LedgerEntry, entry)):
            table = model._meta.db_table
            columns = [field.column for field in model._meta.concrete_fields]
            values = ", ".join(COPIED[table].get(column, column) for column in columns)
            cursor.execute(
                f"{NUMBERS} INSERT INTO {table} ({', '.join(columns)})"
                f" SELECT {values} FROM numbers, {table} WHERE id = %s",
                [ROWS, row.pk.hex],
            )
    Account.objects.filter(pk=account.pk).update(balance=ROWS, version=ROWS)
    # Autovacuum may have just recorded the tables as empty, and may not run again in time.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return account


@pytest.fixture
def peak_of():
    """Return a function that runs a call and returns its peak memory."""
    process = psutil.Process()

    def measure(call):
        over = threading.Event()

        def watch() -> int:
            peak = 0
            while not over.wait(0.005):
                peak = max(peak, process.memory_info().rss)
            return peak

        with ThreadPoolExecutor(1) as thread:
            watching = thread.submit(watch)
            try:
                call()
            finally:
                over.set()
            return watching.result()

    return measure


def test_exporting_a_hundred_thousand_rows_takes_constant_memory(
    api, long_account, peak_of, monkeypatch
):
    # For slow machines.
    monkeypatch.setattr(exports, "EXPORT_SECONDS", float("inf"))
    path = f"/accounts/{long_account.pk}/statement"
    newest = LedgerEntry.objects.filter(account=long_account).order_by("-sequence")
    some = newest[SOME].ts

    def export(query):
        answer = api.get(path, query, headers={"Accept": "text/csv"})
        exported.append(sum(block.count(b"\n") for block in answer.streaming_content))

    exported: list[int] = []
    early = peak_of(lambda: export({"from": some.isoformat()}))
    peak = peak_of(lambda: export({}))

    assert exported[0] < exported[1] == ROWS + 1
    # The text alone of the other rows would be 20 MB.
    assert peak - early < 4 * 1024**2
