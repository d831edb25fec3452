"""Sums of amounts that may be larger than 64 bits, which SQLite's own ``sum()`` refuses."""

from typing import Any

from django.db.models import BigIntegerField, Sum, Value
from django.db.models.expressions import Combinable

# As a number of 64 bits: in the 32 of a plain one it would be -1.
_LOW_BITS: Any = Value(2**32 - 1, output_field=BigIntegerField())


def sum_in_halves(amount: Combinable) -> dict[str, Sum]:
    """Return the aggregates ``high`` and ``low``, which ``whole`` puts together."""
    return {"high": Sum(amount.bitrightshift(32)), "low": Sum(amount.bitand(_LOW_BITS))}


def whole(high: Any, low: Any) -> int:
    """Return the sum whose halves the database has computed; 0 if there was nothing to add."""
    return (int(high or 0) << 32) + int(low or 0)
