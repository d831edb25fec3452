"""
The verdict that ``GET /integrity`` shows.

A small ledger is audited while the caller waits. A large one would hold a thread for as long as all
of its history takes to add up: of that, the last verdict of ``manage.py verify_ledger`` is shown,
with the time when it was made. A verdict that is too old, or dated in the future, counts as failed,
and one that can't be read counts as none. What protects the books is checked at once in any case.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import Account
from api.instants import instant
from audit.ledger import check_ledger
from audit.models import Verdict
from audit.protection import schema_results
from audit.report import Finding, Report, Result, report_of
from transfers import clock
from transfers.models import LedgerEntry, Transfer

# How many rows are audited while somebody waits: on one core, for about half a second.
AT_ONCE = 20_000

# How old the report of a large ledger may be: `verify_ledger` runs once a day, and may miss a run.
HOURS = 48


def verdict() -> dict[str, Any] | None:
    """
    Return the report of a small ledger now, or the last one of a large ledger, as on the wire.

    None if the ledger is large, and there is no report of it that can be read.
    """
    if is_small():
        return check_ledger().as_dict()
    report = _kept()
    if report is None:
        return None
    anew = [*schema_results(connection), _recency(report.checked_at)]
    names = {check.name for check in anew}
    report.checks = [*(check for check in report.checks if check.name not in names), *anew]
    return report.as_dict()


def keep(report: Report) -> None:
    """Keep a report for ``GET /integrity`` to show, in place of the one before it."""
    Verdict.objects.update_or_create(pk=1, defaults={"report": report.as_dict()})


def _kept() -> Report | None:
    """Return the last report, or None if there is none that can be read."""
    try:
        kept = Verdict.objects.first()
    except ValueError:  # SQLite may hold what isn't JSON.
        return None
    return report_of(kept.report) if kept else None


def _recency(checked_at: datetime) -> Result:
    """Return the check that the ledger was verified in the last ``HOURS``."""
    result = Result("verified_recently", f"The ledger was verified in the last {HOURS} hours")
    age = clock.now() - checked_at
    if age > timedelta(hours=HOURS):
        problem = "the last run of `manage.py verify_ledger` is too old"
        result.add(Finding(instant(checked_at), problem))
    elif age < timedelta(0):
        problem = "the last run of `manage.py verify_ledger` is dated in the future"
        result.add(Finding(instant(checked_at), problem))
    return result


def imbalance() -> dict[str, int]:
    """
    Return credits less debits by currency, in minor units: 0 unless a book is broken.

    Of a large ledger it is that of the last report, and empty if there is none that can be read.
    """
    if is_small():
        return LedgerEntry.objects.imbalance()
    report = _kept()
    totals = report.currencies if report else []
    return {total.currency: total.credits - total.debits for total in totals}


def is_small() -> bool:
    """Whether the ledger has no more than ``AT_ONCE`` rows; to count further would take long."""
    left = AT_ONCE
    for model in (LedgerEntry, Transfer, Account):
        left -= model._default_manager.order_by()[: left + 1].count()
        if left < 0:
            return False
    return True
