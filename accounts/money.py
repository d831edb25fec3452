"""
Converts amounts between minor units and the text that people read and write.

Code, the API and the database use minor units. Conversions are exact and never use floats.
"""

import re
from decimal import Decimal

from iso4217 import Currency

# The decimals of units that ISO 4217 doesn't define, such as points, from `LEDGER_CURRENCIES`.
OWN_DECIMALS: dict[str, int] = {}


def decimals_of(currency: str) -> int | None:
    """Return how many decimals a currency has; None if ISO 4217 defines none, as for gold."""
    try:
        return Currency(currency).exponent
    except ValueError:
        # None for a currency that was removed from the standard, or from the settings.
        return OWN_DECIMALS.get(currency)


def unit_of(currency: str) -> str:
    """Return the name of the unit in which amounts of a currency are shown and entered."""
    return currency if decimals_of(currency) is not None else f"minor units of {currency}"


def figure(amount: int, currency: str) -> str:
    """Return an amount in minor units as a number in the currency's unit: ``1,234.56``."""
    decimals = decimals_of(currency) or 0
    return f"{Decimal(amount).scaleb(-decimals):,.{decimals}f}"


def money(amount: int, currency: str) -> str:
    """Return an amount in minor units as a number and its unit: ``1,234.56 EUR``."""
    return f"{figure(amount, currency)} {unit_of(currency)}"


def minor_units(text: str, currency: str) -> int:
    """
    Return an amount that a person wrote in the currency's unit, in minor units.

    Nothing is rounded or guessed. A comma is refused, because it separates thousands in some
    countries and decimals in others.

    :raises ValueError: if the text isn't such a number, with a message for the person
    """
    decimals = decimals_of(currency) or 0
    unit = unit_of(currency)
    example = f"Enter 1500{'.' if decimals else ''}{'0' * decimals} for 1,500 {unit}."
    written = text.strip()
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", written):
        raise ValueError(f"Use only digits, and a point before the decimals. {example}")
    fraction = written.partition(".")[2]
    if len(fraction) > decimals:
        most = f"at most {decimals} decimals" if decimals else "no decimals"
        raise ValueError(f"An amount in {unit} has {most}. {example}")
    return int(written.replace(".", "") + "0" * (decimals - len(fraction)))
