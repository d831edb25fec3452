"""When a delivery that failed is attempted again. Plain Python."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# The delays are 10 s, 30 s, 90 s, 4.5 min, 13.5 min, 40 min, 2 h, 6 h, and then every 12 hours.
FIRST_DELAY = timedelta(seconds=10)
FACTOR = 3
LONGEST_DELAY = timedelta(hours=12)
# How long a delivery is attempted.
LIFETIME = timedelta(days=3)
# Each delay is made up to this much shorter or longer, so that what failed together isn't attempted
# again all at once.
JITTER = 0.2
# A receiver can ask for more time than the schedule gives it, up to this.
LONGEST_RETRY_AFTER = timedelta(days=1)


def next_attempt(
    *, since: datetime, attempts: int, now: datetime, retry_after: timedelta | None = None
) -> datetime | None:
    """
    Return when to attempt a delivery again, or None to give it up.

    :param since: the time of the first attempt (UTC)
    :param attempts: how many have failed, at least 1
    :param retry_after: the delay that the receiver asked for
    """
    end = since + LIFETIME
    if now >= end:
        return None
    # The exponent is limited, because a delivery can be attempted by hand as often as one likes.
    delay = min(FIRST_DELAY * int(FACTOR ** min(attempts - 1, 20)), LONGEST_DELAY)
    delay *= random.uniform(1 - JITTER, 1 + JITTER)
    if retry_after is not None:
        delay = max(delay, min(retry_after, LONGEST_RETRY_AFTER))
    return min(now + delay, end)


def retry_after_of(value: str | None, now: datetime) -> timedelta | None:
    """
    Return the delay that a ``Retry-After`` header asks for (RFC 9110 §10.2.3), or None.

    :param value: seconds or an HTTP date; None if there is no such header
    """
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:10]), LONGEST_RETRY_AFTER.total_seconds()))
    try:
        at = parsedate_to_datetime(value)
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return max(at - now, timedelta())
    # An OverflowError is raised for years and offsets that Python's dates can't have.
    except (TypeError, ValueError, OverflowError):
        return None
