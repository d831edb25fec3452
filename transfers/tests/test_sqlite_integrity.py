"""What only SQLite lets into a column of integers, the audit finds."""

import pytest
from django.db import connection

from transfers.integrity import check_ledger
from transfers.tests.rich_ledger import make_rich_ledger
from transfers.tests.tampering import broken, unguarded

pytestmark = pytest.mark.django_db

COLUMNS = [
    *(("account", column) for column in ("balance", "held", "overdraft_limit", "version")),
    *(("entry", column) for column in ("amount", "balance", "sequence")),
    ("transfer", "amount"),
]
TABLES = {
    "account": "accounts_account",
    "entry": "transfers_ledgerentry",
    "transfer": "transfers_transfer",
}


@pytest.mark.parametrize("value", ["1.5", "'abc'", "x'31'"])
@pytest.mark.parametrize(("what", "column"), COLUMNS)
def test_a_figure_that_is_no_integer_is_found(funded_account, alice, staff, what, column, value):
    make_rich_ledger(funded_account, alice, staff)
    table = TABLES[what]

    with unguarded():
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {column} = {value} WHERE id = (SELECT max(id) FROM {table})"
            )
        report = check_ledger()

    assert broken(report)[f"{what}_within_bounds"] == 1
