"""The panel of the home page with the trial balance and the result of the last audit."""

from typing import Any

from django.http import HttpRequest

from accounts.admin.home import home_panel
from accounts.money import figure, unit_of
from accounts.rights import may
from audit.verdict import MAX_AGE_HOURS, is_recent, latest

# How many of the checks that failed are named. The report of `verify_ledger` has all of them.
MOST_NAMED = 5


@home_panel(order=10, title="Trial balance", template="admin/audit/balances.html")
def trial_balance(request: HttpRequest) -> dict[str, Any] | None:
    """Return the totals of each currency, and whether the books were in order, as of an audit."""
    if not may(request.user, "accounts.read_any"):
        return None
    report = latest()
    if report is None:
        return {"report": None}
    failed = [check for check in report.checks if not check.ok]
    return {
        "report": report,
        "failed": failed[:MOST_NAMED],
        "failures": len(failed),
        "is_recent": is_recent(report.checked_at),
        "max_age": MAX_AGE_HOURS,
        "rows": [
            {
                "currency": unit_of(each.currency),
                "customers": figure(each.customers, each.currency),
                "external": figure(each.external, each.currency),
                "difference": figure(each.customers + each.external, each.currency),
                "held": figure(each.held, each.currency),
            }
            for each in report.currencies
        ],
    }
