"""The format of instants in responses, errors, exports, reports and logs."""

from datetime import UTC, datetime


def instant(value: datetime) -> str:
    """Return an aware datetime as RFC 3339 in UTC: ``2026-01-31T12:00:00.000000Z``."""
    # isoformat, because %Y leaves out the leading zeros of a year before 1000.
    return value.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
