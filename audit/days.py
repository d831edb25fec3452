"""The customers' balances at the end of each of the last days, for a chart."""

from collections import defaultdict
from datetime import date, datetime

from django.db import connection

from audit.report import TrialBalance
from audit.rows import fetch
from database.sums import whole
from transfers.posting import EntryType

DAYS = 30

# The day of an entry in UTC. SQLite stores times in UTC, and accepts text that isn't a time.
DAY = {
    "postgresql": "to_char(entry.ts AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    "sqlite": "substr(entry.ts, 1, 10)",
}

# Only deposits and withdrawals change the sum of the customers' balances. Their entries in the
# EXTERNAL accounts are read from an index, by time.
CHANGES = """
    SELECT CAST(account.currency AS text) AS currency, {day} AS day,
        CAST(entry.type AS text) AS type,
        sum(CAST(entry.amount AS bigint) >> 32) AS high,
        sum(CAST(entry.amount AS bigint) & 4294967295) AS low
    FROM accounts_account account JOIN transfers_ledgerentry entry ON entry.account_id = account.id
    WHERE account.kind = 'EXTERNAL' AND entry.ts >= '{since}'
    GROUP BY 1, 2, 3
"""


def dates_of(count: int, last: datetime) -> list[str]:
    """Return the dates (UTC) of ``count`` days, of which the last contains ``last``."""
    end = last.toordinal()
    # A stored report may have been edited to be from the first days of the year 1.
    return [f"{date.fromordinal(max(1, day))}" for day in range(end - count + 1, end + 1)]


def daily_totals(totals: list[TrialBalance], now: datetime) -> dict[str, list[int]]:
    """
    Return the sums of the customers' balances by currency, in minor units.

    There is one for the end of each of the last days, the oldest first. The last one is the sum
    now.
    """
    days = dates_of(DAYS, now)
    changes: dict[tuple[str, str], int] = defaultdict(int)
    for row in fetch(CHANGES.format(day=DAY[connection.vendor], since=days[0])):
        # A deposit is a DEBIT of the EXTERNAL account.
        sign = 1 if row["type"] == EntryType.DEBIT else -1
        amount = whole(row["high"], row["low"])
        changes[row["currency"], row["day"]] += sign * amount
    found = {}
    for total in totals:
        sums = [total.customers]
        for day in reversed(days[1:]):
            sums.append(sums[-1] - changes[total.currency, day])
        found[total.currency] = sums[::-1]
    return found
