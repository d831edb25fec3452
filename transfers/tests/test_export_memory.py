"""An export of any length takes the memory of one chunk."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from django.db import connection, transaction

from accounts.models import Account, external_account_id
from transfers import export as exports
from transfers.kinds import Kind
from transfers.models import LedgerEntry
from transfers.posting import Draft
from transfers.recording import record

# Committed, as in production. PostgreSQL would take a table of uncommitted rows for empty, and plan
# to read all of it for each row of a chunk.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.no_cover]

ROWS, AT_ONCE = 100_000, 2_000


@pytest.fixture
def long_account(alice, funded_account) -> Account:
    account = funded_account(alice)
    draft = Draft(Kind.DEPOSIT, external_account_id("USD"), account.pk, 1)
    for _ in range(ROWS // AT_ONCE):
        with transaction.atomic():
            record(Account.objects.locked(account.pk), [draft] * AT_ONCE, alice)
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
    some = newest[AT_ONCE].ts

    def export(query):
        answer = api.get(path, query, headers={"Accept": "text/csv"})
        exported.append(sum(block.count(b"\n") for block in answer.streaming_content))

    exported: list[int] = []
    early = peak_of(lambda: export({"from": some.isoformat()}))
    peak = peak_of(lambda: export({}))

    assert exported[0] < exported[1] == ROWS + 1
    # The text alone of the other rows would be 20 MB.
    assert peak - early < 4 * 1024**2
