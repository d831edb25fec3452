"""Sums that may exceed 64 bits, which SQLite's ``sum()`` can't compute."""

from typing import Any

from django.db.models import BigIntegerField, Sum, Value
from django.db.models.expressions import Combinable

# A 64-bit number, because as a 32-bit one it would be -1.
_LOW_BITS: Any = Value(2**32 - 1, output_field=BigIntegerField())


def sum_in_halves(amount: Combinable) -> dict[str, Sum]:
    """Return the aggregates ``high`` and ``low``, from which ``whole`` computes the sum."""
    return {"high": Sum(amount.bitrightshift(32)), "low": Sum(amount.bitand(_LOW_BITS))}


def whole(high: Any, low: Any) -> int:
    """Return the sum from its two aggregates; 0 if there were no rows."""
    return (int(high or 0) << 32) + int(low or 0)
