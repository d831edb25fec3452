"""The format of instants doesn't depend on their time zone or year."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from api.instants import instant

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 1, 31, 12, 0, 0, 250, UTC), "2026-01-31T12:00:00.000250Z"),
        (datetime(2026, 1, 31, 12, 0, 0, 0, UTC), "2026-01-31T12:00:00.000000Z"),
        (datetime(33, 4, 3, 15, 0, 0, 0, UTC), "0033-04-03T15:00:00.000000Z"),
        (
            datetime(2026, 1, 1, 1, 0, 0, 0, timezone(timedelta(hours=5, minutes=30))),
            "2025-12-31T19:30:00.000000Z",
        ),
    ],
)
def test_an_instant_is_written_in_utc_with_a_four_digit_year_and_microseconds(value, text):
    assert instant(value) == text
