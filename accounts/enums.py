"""The words for an account. Free of Django, so that the pure posting engine can use them."""

from enum import StrEnum

# The largest integer that every JSON client holds exactly (RFC 8259 §6): 2^53 - 1.
MONEY_MAX = 9_007_199_254_740_991


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
