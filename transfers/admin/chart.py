"""
The chart of an account's balance.

The server draws it as SVG, because the admin's Content-Security-Policy allows no inline scripts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.admin.pages import money_shown, time_shown
from accounts.enums import AccountKind
from accounts.models import Account
from transfers.models import LedgerEntry
from transfers.posting import EntryType

# The chart shows this many of the newest entries.
MOST_POINTS = 200
# The size of the drawing, which the style sheet stretches to the width of the page.
WIDTH, HEIGHT = 800, 160
# Space at the right, in which the last balance is drawn.
REST = 12

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Chart:
    """A step line of balances, with the texts around it."""

    line: str
    area: str
    zero: float
    highest: str
    lowest: str
    first: datetime
    last: datetime
    # What the chart shows, in words.
    text: str
    width: int = WIDTH
    height: int = HEIGHT


def balance_chart(account: Account) -> Chart | None:
    """
    Return the chart of an account's newest entries.

    Return None for an EXTERNAL account, and for one with fewer than two entries: the statement says
    more about a single entry than a single step.
    """
    if account.kind == AccountKind.EXTERNAL:
        return None
    entries: list[Any] = list(newest_balances(account))[::-1]
    if len(entries) < 2:
        return None
    times = [entry[0] for entry in entries]
    _, balance, side, amount = entries[0]
    # The balance before the first entry that is shown.
    before = balance - amount if side == EntryType.CREDIT else balance + amount
    balances = [before, *(entry[1] for entry in entries)]
    high, low = max(0, *balances), min(0, *balances)

    def y(balance: int) -> float:
        return round(HEIGHT * (high - balance) / ((high - low) or 1), 1)

    steps = _steps(_positions(times), [y(balance) for balance in balances])
    line = _drawn(steps)
    ends = [(steps[-1][0], y(0)), (steps[0][0], y(0))]

    def shown(amount: int) -> str:
        return money_shown(amount, account.currency)

    return Chart(
        line=line,
        area=f"{line} {_drawn(ends)}",
        zero=y(0),
        highest=shown(high),
        lowest=shown(low),
        first=times[0],
        last=times[-1],
        text=f"Balance after the newest {len(entries)} entries, from "
        f"{time_shown(times[0])} to {time_shown(times[-1])}: at least {shown(min(balances[1:]))}, "
        f"at most {shown(max(balances[1:]))}, at the end {shown(balances[-1])}.",
    )


def newest_balances(account: Account) -> QuerySet[LedgerEntry, Any]:
    """Return the newest entries of an account that the chart shows, read from an index."""
    newest = account.entries.order_by("-sequence")[:MOST_POINTS]
    return newest.values_list("ts", "balance", "type", "amount")


def _positions(times: list[datetime]) -> list[float]:
    """Return how far to the right each entry is drawn: by time, or evenly if all are at once."""
    room = WIDTH - REST
    span = (times[-1] - times[0]).total_seconds()
    if span:
        return [round(room * (time - times[0]).total_seconds() / span, 1) for time in times]
    return [round(room * (number + 1) / (len(times) + 1), 1) for number in range(len(times))]


def _steps(xs: list[float], ys: list[float]) -> list[Point]:
    """Return the corners of the line. ``ys`` begins with the height before the first step."""
    corners: list[Point] = [(0, ys[0])]
    for x, before, after in zip(xs, ys, ys[1:], strict=False):
        corners += [(x, before), (x, after)]
    return [*corners, (WIDTH, ys[-1])]


def _drawn(points: list[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
