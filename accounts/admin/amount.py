"""The field in which staff enter an amount of money."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError

from accounts.enums import MONEY_MAX
from accounts.money import decimals_of, figure, minor_units, money, unit_of


class MoneyField(forms.CharField):
    """
    An amount that staff enter in the unit of its currency. Its value is in minor units.

    :param smallest: the smallest amount that is accepted, in minor units
    """

    # The largest amount has 16 digits and a decimal point.
    widget = AdminTextInputWidget(attrs={"inputmode": "decimal", "maxlength": 20})
    currency: str

    def __init__(self, *, smallest: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.smallest = smallest

    def in_currency(self, currency: str) -> None:
        """Set the currency, and name its unit in the label and the help text."""
        self.currency = currency
        self.label = f"{self.label or ''} in {unit_of(currency)}"
        decimals = decimals_of(currency)
        most = f"at most {decimals} decimals" if decimals else "no decimals"
        example = self.prepare_value(1500 * 10 ** (decimals or 0))
        form = f"Use {most} and no commas: enter {example} for 1,500 {unit_of(currency)}."
        self.help_text = f"{self.help_text} {form}".strip()

    def prepare_value(self, value: Any) -> Any:
        return figure(value, self.currency).replace(",", "") if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        try:
            amount = minor_units(value or "", self.currency)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid") from error
        if amount > MONEY_MAX:
            most = money(MONEY_MAX, self.currency)
            raise ValidationError(f"The amount can be at most {most}.", code="max_value")
        if amount < self.smallest:
            least = money(self.smallest, self.currency)
            raise ValidationError(f"The amount must be at least {least}.", code="min_value")
        return amount
