"""When a failed delivery is attempted again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from events.webhooks import retries
from events.webhooks.retries import LIFETIME, next_attempt, retry_after_of

pytestmark = pytest.mark.one_database

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def without_jitter(monkeypatch):
    monkeypatch.setattr(retries, "JITTER", 0)


def times_of_a_receiver_that_never_accepts() -> list[datetime]:
    times, now, attempts = [], SINCE, 1
    while (at := next_attempt(since=SINCE, attempts=attempts, now=now)) is not None:
        times.append(at)
        now, attempts = at, attempts + 1
    return times


def test_the_delay_grows_from_ten_seconds_to_twelve_hours(without_jitter):
    times = times_of_a_receiver_that_never_accepts()

    delays = [b - a for a, b in zip([SINCE, *times], times, strict=False)]
    assert [delay.total_seconds() for delay in delays[:8]] == [
        *(10, 30, 90, 270, 810, 2430, 7290, 21870),
    ]
    assert set(delays[8:-1]) == {timedelta(hours=12)}


def test_the_last_attempt_is_after_exactly_three_days():
    for _ in range(20):
        assert times_of_a_receiver_that_never_accepts()[-1] == SINCE + timedelta(days=3)


def test_delays_differ_by_up_to_a_fifth():
    delays = {
        (next_attempt(since=SINCE, attempts=3, now=SINCE) - SINCE).total_seconds()
        for _ in range(200)
    }

    assert len(delays) > 100
    assert 72 <= min(delays) <= max(delays) <= 108


def test_any_number_of_attempts_has_a_delay(without_jitter):
    assert next_attempt(since=SINCE, attempts=10**9, now=SINCE) == SINCE + timedelta(hours=12)


@pytest.mark.parametrize(
    ("asked", "delay"),
    [
        (timedelta(), timedelta(seconds=10)),
        (timedelta(seconds=5), timedelta(seconds=10)),
        (timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta(days=30), timedelta(days=1)),
    ],
)
def test_a_receiver_can_ask_for_more_time_up_to_a_day(without_jitter, asked, delay):
    at = next_attempt(since=SINCE, attempts=1, now=SINCE, retry_after=asked)

    assert at == SINCE + delay


def test_a_receiver_cannot_extend_the_three_days():
    late = SINCE + LIFETIME - timedelta(hours=1)

    at = next_attempt(since=SINCE, attempts=9, now=late, retry_after=timedelta(hours=20))

    assert at == SINCE + LIFETIME


@pytest.mark.parametrize(
    ("value", "delay"),
    [
        ("0", timedelta()),
        ("120", timedelta(minutes=2)),
        ("99999999999999999999", timedelta(days=1)),
        (format_datetime(SINCE + timedelta(minutes=3), usegmt=True), timedelta(minutes=3)),
        (format_datetime(SINCE - timedelta(minutes=3), usegmt=True), timedelta()),
        ("Thu, 01 Jan 2026 00:01:00 -0000", timedelta(minutes=1)),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\u0665", None),
        ("Thu, 99 Jan 2026 00:00:00 GMT", None),
        ("1 Jan 99999999999 00:00:00", None),
        ("Thu, 01 Jan 2026 00:00:00 +99999999999999", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value, delay):
    assert retry_after_of(value, SINCE) == delay
