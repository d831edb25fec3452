"""
The kinds and statuses of an account, and the bounds of amounts and times.

This module doesn't import Django, so that the posting engine can use it.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

# The largest integer that every JSON client holds exactly (RFC 8259 §6): 2^53 - 1.
MONEY_MAX = 9_007_199_254_740_991

# The first and the last instant that Python and RFC 3339 can express, in the years 1 and 9999.
# PostgreSQL can also store infinity and years BC, which clients couldn't read.
CALENDAR = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class AccountKind(StrEnum):
    """What an account is for."""

    CUSTOMER = "CUSTOMER"
    # The outside world: the source of deposits and the destination of withdrawals. There is one
    # per currency.
    EXTERNAL = "EXTERNAL"


class Explained(StrEnum):
    """An enum whose members have a ``meaning``: their description in the API's documentation."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


class AccountStatus(Explained):
    """The status of an account."""

    OPEN = "OPEN", "money can move in and out."
    FROZEN = "FROZEN", "no money moves until an operator unfreezes the account."
    CLOSED = "CLOSED", "permanently closed, with a balance of 0."
