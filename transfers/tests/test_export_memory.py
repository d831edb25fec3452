"""An export of any length takes the memory of one chunk."""

import psutil
import pytest
from django.db import transaction

from accounts.models import Account, external_account_id
from transfers.booking import Wanted, book
from transfers.posting import Draft, Kind

# Committed, as in production: PostgreSQL, which counts rows behind the scenes, would take a table
# of uncommitted rows for an empty one, and plan to read all of it for each row of a chunk.
pytestmark = pytest.mark.django_db(transaction=True)

ROWS, AT_ONCE = 100_000, 10_000


@pytest.fixture
def long_account(alice, funded_account) -> Account:
    account = funded_account(alice)
    draft = Draft(Kind.DEPOSIT, external_account_id("USD"), account.pk, 1)
    for _ in range(ROWS // AT_ONCE):
        with transaction.atomic():
            book(Account.objects.locked(account.pk), [Wanted(draft)] * AT_ONCE, alice)
    return account


def test_a_hundred_thousand_rows_are_exported_without_growth(api, long_account):
    answer = api.get(f"/accounts/{long_account.pk}/statement", headers={"Accept": "text/csv"})

    process = psutil.Process()
    lines, early, peak = 0, 0, 0
    for block in answer.streaming_content:
        lines += block.count(b"\n")
        peak = max(peak, process.memory_info().rss)
        if not early and lines > AT_ONCE:
            early = peak

    assert lines == ROWS + 1
    # The text alone of the other 90,000 rows would be 20 MB.
    assert peak - early < 4 * 1024**2
