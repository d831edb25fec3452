"""Amounts and currencies among the words that staff type into a search."""

import re

from django.db.models import Q

from accounts.enums import MONEY_MAX
from accounts.money import minor_units

# The currencies that a sign before or after an amount may stand for.
SIGNS = {
    "$": {"USD", "AUD", "CAD", "HKD", "MXN", "NZD", "SGD"},
    "€": {"EUR"},
    "£": {"GBP"},
    "¥": {"JPY", "CNY"},
}
# An amount, such as ``1,234.56``, with the sign or the code of its currency or without.
AMOUNT = re.compile(
    r"(?P<before>[$€£¥]|[A-Za-z]{3})?"
    r"(?P<figure>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?)"
    r"(?P<after>[$€£¥]|[A-Za-z]{3})?"
)
NOTHING = Q(pk__in=[])


def is_figure(word: str, known: list[str]) -> bool:
    """Return whether a word is an amount or one of the known currencies."""
    return word.upper() in known or _amount_in(word, known) is not None


def of_figure(word: str, known: list[str]) -> Q:
    """
    Return the filter for rows with this amount or currency; one that matches nothing for other
    words.

    :param known: the currencies of the ledger
    """
    if word.upper() in known:
        return Q(currency=word.upper())
    read = _amount_in(word, known)
    if read is None:
        return NOTHING
    figure, currencies = read
    found = NOTHING
    for currency in currencies:
        found |= _of_amount(figure, currency)
    return found


def _amount_in(word: str, known: list[str]) -> tuple[str, list[str]] | None:
    """Return the figure of an amount, and the currencies in which it may be; None for a word."""
    match = AMOUNT.fullmatch(word)
    if match is None:
        return None
    units = [unit for unit in (match["before"], match["after"]) if unit]
    # Three letters that aren't a currency, as in the reference "abc240".
    if any(unit not in SIGNS and unit.upper() not in known for unit in units):
        return None
    allowed = [SIGNS.get(unit, {unit.upper()}) for unit in units]
    currencies = [each for each in known if all(each in some for some in allowed)]
    return match["figure"].replace(",", ""), currencies


def _of_amount(figure: str, currency: str) -> Q:
    try:
        amount = minor_units(figure, currency)
    except ValueError:  # More decimals than the currency has.
        amount = 0
    return Q(amount=amount, currency=currency) if 0 < amount <= MONEY_MAX else NOTHING
