"""
The report that ``GET /integrity`` returns.

A small ledger is audited during the request. Auditing a large one would occupy a thread for too
long, so the last report of ``manage.py verify_ledger`` is returned, with the time of its audit. A
report that is too old or dated in the future fails a check, and one that can't be read counts as
none. The schema is checked anew in every request.
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

# The most rows that are audited during a request. It takes about half a second of one core.
AT_ONCE = 20_000

# The same for a page of the admin that shows more than the audit.
AT_HOME = 1_000

# The age limit of a stored report: `verify_ledger` runs once a day, and may miss one run.
MAX_AGE_HOURS = 48


def verdict() -> dict[str, Any] | None:
    """
    Return the report for ``GET /integrity``: a new one, or for a large ledger the stored one.

    Return None if a large ledger has no stored report that can be read.
    """
    if is_small():
        return check_ledger().as_dict()
    report = stored()
    if report is None:
        return None
    fresh = [*schema_results(connection), _recency(report.checked_at)]
    names = {check.name for check in fresh}
    report.checks = [*(check for check in report.checks if check.name not in names), *fresh]
    return report.as_dict()


def latest() -> Report | None:
    """
    Return a new report of a very small ledger, and otherwise the stored one.

    Return None if there is none that can be read.
    """
    return check_ledger() if is_small(AT_HOME) else stored()


def is_recent(checked_at: datetime) -> bool:
    """Return whether the time of an audit is at most ``MAX_AGE_HOURS`` ago."""
    return timedelta(0) <= clock.now() - checked_at <= timedelta(hours=MAX_AGE_HOURS)


def store(report: Report) -> None:
    """Store a report for ``GET /integrity``, replacing the previous one."""
    # Without reading the previous one, which may have been made unreadable.
    Verdict.objects.bulk_create(
        [Verdict(pk=1, report=report.as_stored())],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["report"],
    )


def stored() -> Report | None:
    """Return the stored report, or None if there is none that can be read."""
    try:
        stored = Verdict.objects.first()
    except (ValueError, RecursionError):  # SQLite accepts text that isn't JSON.
        return None
    return report_of(stored.report) if stored else None


def _recency(checked_at: datetime) -> Result:
    """Check that the ledger was verified in the last ``MAX_AGE_HOURS``."""
    result = Result(
        "verified_recently", f"The ledger was verified in the last {MAX_AGE_HOURS} hours"
    )
    age = clock.now() - checked_at
    if age > timedelta(hours=MAX_AGE_HOURS):
        problem = "the last run of `manage.py verify_ledger` is too old"
        result.add(Finding(instant(checked_at), problem))
    elif age < timedelta(0):
        problem = "the last run of `manage.py verify_ledger` is dated in the future"
        result.add(Finding(instant(checked_at), problem))
    return result


def imbalance() -> dict[str, int]:
    """
    Return credits minus debits for each currency, in minor units: 0 unless the books are broken.

    For a large ledger, return the figures of the stored report, or none if it can't be read.
    """
    if is_small():
        return LedgerEntry.objects.imbalance()
    report = stored()
    totals = report.currencies if report else []
    return {total.currency: total.credits - total.debits for total in totals}


def is_small(most: int | None = None) -> bool:
    """Return whether the ledger has at most ``AT_ONCE`` rows, or ``most``. Counting stops there."""
    left = AT_ONCE if most is None else most
    for model in (LedgerEntry, Transfer, Account):
        left -= model._default_manager.order_by()[: left + 1].count()
        if left < 0:
            return False
    return True
