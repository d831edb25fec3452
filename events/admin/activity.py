"""The panel of the home page with the number of events of each day."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection
from django.http import HttpRequest

from accounts.admin.charts import bars
from accounts.admin.home import home_panel
from accounts.rights import may
from transfers import clock

DAYS = 30

# Finds for each instant the first number of an event at or after it, by bisection: some twenty
# look-ups by primary key in a log of a million events. Counting the events would read all of them.
# Numbers are in the order of time, apart from events at the same moment.
_SEEN = """(
    SELECT created_at FROM events_event WHERE number >= (low + high) / 2 ORDER BY number LIMIT 1
)"""
_FIRST_NUMBERS = """
    WITH RECURSIVE search (instant, low, high) AS (
        SELECT given.column1,
            (SELECT coalesce(min(number), 0) FROM events_event),
            (SELECT coalesce(max(number) + 1, 0) FROM events_event)
        FROM (VALUES {instants}) AS given
        UNION ALL
        SELECT instant,
            CASE WHEN {seen} < instant THEN (low + high) / 2 + 1 ELSE low END,
            CASE WHEN {seen} < instant THEN high ELSE (low + high) / 2 END
        FROM search WHERE low < high
    )
    SELECT low FROM search WHERE low = high ORDER BY instant
"""


def events_per_day(now: datetime, days: int) -> list[tuple[str, int]]:
    """
    Return the dates of the last ``days`` days in UTC, today last, each with its number of events.

    An event's number may be missing because its transaction was rolled back. It is counted.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [today - timedelta(days=days - 1 - place) for place in range(days)]
    first = first_numbers([*begins, today + timedelta(days=1)])
    counts = [after - number for number, after in pairwise(first)]
    return [(f"{begin:%Y-%m-%d}", count) for begin, count in zip(begins, counts, strict=True)]


def first_numbers(instants: list[datetime]) -> list[int]:
    """
    Return, for each instant, the smallest number that an event at or after it may have.

    :param instants: in ascending order
    """
    given = [connection.ops.adapt_datetimefield_value(instant) for instant in instants]
    sql = _FIRST_NUMBERS.format(instants=", ".join(["(%s)"] * len(given)), seen=_SEEN)
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return [number for (number,) in cursor.fetchall()]


@home_panel(order=20, title="Events per day", template="admin/events/activity.html")
def activity(request: HttpRequest) -> dict[str, Any] | None:
    """Return the number of events of each of the last days, as a chart."""
    if not may(request.user, "accounts.read_any"):
        return None
    days = events_per_day(clock.now(), DAYS)
    return {
        "chart": bars(days),
        "days": days[::-1],
        "count": DAYS,
    }
