"""The words for an account. Free of Django, so that the pure posting engine can use them."""

from datetime import UTC, datetime
from enum import StrEnum

# The largest integer that every JSON client holds exactly (RFC 8259 §6): 2^53 - 1.
MONEY_MAX = 9_007_199_254_740_991

# The first and the last instant that Python and JSON's dates can say: the years 1 to 9999.
# PostgreSQL also stores infinity and the years BC, which no client could then read.
CALENDAR = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class AccountKind(StrEnum):
    """Who stands behind an account."""

    CUSTOMER = "CUSTOMER"
    # The outside world: where deposits come from and withdrawals go to. One per currency.
    EXTERNAL = "EXTERNAL"


class AccountStatus(StrEnum):
    """What an account lets happen to it."""

    OPEN = "OPEN"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"
