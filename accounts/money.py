"""
Money as people read and write it. In code, over the wire and in the database it is minor units.

Plain Python, and exact: no float comes near an amount.
"""

import re
from decimal import Decimal

from iso4217 import Currency


def decimals_of(currency: str) -> int | None:
    """Return how many decimals a currency has; None if ISO 4217 doesn't say, as for gold."""
    try:
        return Currency(currency).exponent
    except ValueError:
        # An account may have a currency that the standard has dropped since.
        return None


def unit_of(currency: str) -> str:
    """Return the unit that amounts of a currency are shown and typed in."""
    return currency if decimals_of(currency) is not None else f"minor units of {currency}"


def figure(amount: int, currency: str) -> str:
    """Return an amount in minor units as a number of the currency's own: ``1,234.56``."""
    decimals = decimals_of(currency) or 0
    return f"{Decimal(amount).scaleb(-decimals):,.{decimals}f}"


def money(amount: int, currency: str) -> str:
    """Return an amount in minor units as people read it: ``1,234.56 EUR``."""
    return f"{figure(amount, currency)} {unit_of(currency)}"


def minor_units(text: str, currency: str) -> int:
    """
    Return what somebody wrote in the currency's own unit, in minor units.

    Nothing is rounded and nothing is guessed: a comma is 1,500 to the one and 1.5 to the other.

    :raises ValueError: if it isn't such a number, in words for who wrote it
    """
    decimals = decimals_of(currency) or 0
    unit = unit_of(currency)
    example = f"Write 1500{'.' if decimals else ''}{'0' * decimals} for 1,500 {unit}."
    written = text.strip()
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", written):
        raise ValueError(f"Write digits, and a point before the decimals. {example}")
    fraction = written.partition(".")[2]
    if len(fraction) > decimals:
        most = f"at most {decimals} decimals" if decimals else "no decimals"
        raise ValueError(f"An amount in {unit} has {most}. {example}")
    return int(written.replace(".", "") + "0" * (decimals - len(fraction)))
