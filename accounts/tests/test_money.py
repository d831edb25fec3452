"""Converting amounts to and from the text that people read and write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.enums import MONEY_MAX
from accounts.money import OWN_DECIMALS, decimals_of, figure, minor_units, money

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (123_456, "EUR", "1,234.56 EUR"),
        (123_456, "JPY", "123,456 JPY"),
        (123_456, "KWD", "123.456 KWD"),
        (0, "USD", "0.00 USD"),
        (-5, "USD", "-0.05 USD"),
        (5, "KWD", "0.005 KWD"),
        (MONEY_MAX, "USD", "90,071,992,547,409.91 USD"),
        (-MONEY_MAX, "JPY", "-9,007,199,254,740,991 JPY"),
    ],
)
def test_an_amount_is_shown_with_the_decimals_of_its_currency(amount, currency, expected):
    assert money(amount, currency) == expected


def test_the_decimals_are_those_of_iso_4217_and_not_of_cldr():
    # CLDR, and therefore Babel, gives these currencies no decimals: it goes by the coins in use.
    assert [decimals_of(code) for code in ("RSD", "IQD", "LBP")] == [2, 3, 2]


def test_a_unit_of_ones_own_has_the_decimals_of_the_settings(monkeypatch):
    monkeypatch.setitem(OWN_DECIMALS, "XBT", 8)
    monkeypatch.setitem(OWN_DECIMALS, "PTS", 0)

    assert money(123_456_789, "XBT") == "1.23456789 XBT"
    assert minor_units("0.5", "XBT") == 50_000_000
    assert (money(1500, "PTS"), minor_units("1500", "PTS")) == ("1,500 PTS", 1500)


@pytest.mark.parametrize("currency", ["XAU", "AAA", "usd"])
def test_a_currency_without_decimals_in_iso_4217_is_shown_in_minor_units(currency):
    assert money(123_456, currency) == f"123,456 minor units of {currency}"
    assert minor_units("1500", currency) == 1500


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        ("1500", "EUR", 150_000),
        ("1500.5", "EUR", 150_050),
        (" 1500.05 ", "EUR", 150_005),
        ("1500", "JPY", 1_500),
        ("1.500", "KWD", 1_500),
        ("0", "EUR", 0),
        ("90071992547409.92", "USD", MONEY_MAX + 1),
    ],
)
def test_an_amount_is_read_exactly(text, currency, expected):
    assert minor_units(text, currency) == expected


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("1,500", "EUR", "Use only digits, and a point before the decimals. Enter 1500.00 for"),
        ("1.500", "EUR", "An amount in EUR has at most 2 decimals. Enter 1500.00 for 1,500 EUR."),
        ("1500.0", "JPY", "An amount in JPY has no decimals. Enter 1500 for 1,500 JPY."),
        ("-5", "EUR", "Use only digits"),
        ("1e3", "EUR", "Use only digits"),
        ("15 00", "EUR", "Use only digits"),
        (".5", "EUR", "Use only digits"),
        ("5.", "EUR", "Use only digits"),
        ("\uff15", "EUR", "Use only digits"),
        ("", "EUR", "Use only digits"),
    ],
)
def test_an_ambiguous_or_malformed_amount_is_refused(text, currency, message):
    with pytest.raises(ValueError, match=message):
        minor_units(text, currency)


@given(st.integers(0, MONEY_MAX * 1_000_000), st.sampled_from(["EUR", "JPY", "KWD", "CLF", "XAU"]))
def test_a_figure_without_its_commas_is_read_back_unchanged(amount, currency):
    assert minor_units(figure(amount, currency).replace(",", ""), currency) == amount
