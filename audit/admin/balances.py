"""The panel of the home page with the result of the last audit: the totals, and their charts."""

from typing import Any

from django.http import HttpRequest

from accounts.admin.charts import steps
from accounts.admin.home import home_panel
from accounts.admin.pages import money_shown
from accounts.money import figure, unit_of
from accounts.rights import may
from audit.days import dates_of
from audit.report import Report
from audit.verdict import MAX_AGE_HOURS, is_recent, latest

# How many of the checks that failed are named. The report of `verify_ledger` has all of them.
MOST_NAMED = 5

# How many currencies have a chart.
MOST_CHARTS = 6


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
        "entries": f"{report.entries:,}",
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
        **_charts(report),
    }


def _charts(report: Report) -> dict[str, Any]:
    """Return a chart for each currency in which customers had money, and a table of its figures."""
    with_money = [name for name, sums in report.days.items() if any(sums)][:MOST_CHARTS]
    sums = [report.days[name] for name in with_money]
    dates = dates_of(len(sums[0]), report.checked_at) if sums else []
    rows = [
        (date, [figure(total, name) for total, name in zip(totals, with_money, strict=True)])
        for date, *totals in zip(dates, *sums, strict=True)
    ]
    return {
        "charts": [_chart(name, report.days[name]) for name in with_money],
        "currencies": [unit_of(name) for name in with_money],
        "dates": dates,
        "days": rows[::-1],
    }


def _chart(currency: str, sums: list[int]) -> dict[str, Any]:
    return {
        "label": f"A line of the sum of the customers' balances in {unit_of(currency)} at the end"
        " of each day. The same figures are in the table below.",
        "now": money_shown(sums[-1], currency),
        "lowest": money_shown(min(sums), currency),
        "highest": money_shown(max(sums), currency),
        "chart": steps(sums),
    }
