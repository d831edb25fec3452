"""The form in which staff set an account's overdraft limit."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError

from accounts.enums import MONEY_MAX
from accounts.models import LONGEST_REASON, Account
from accounts.money import decimals_of, figure, minor_units, money, unit_of


class MoneyField(forms.CharField):
    """An amount that staff enter in the unit of its currency. Its value is in minor units."""

    # The largest amount has 16 digits and a decimal point.
    widget = AdminTextInputWidget(attrs={"inputmode": "decimal", "maxlength": 20})
    currency: str

    def in_currency(self, currency: str) -> None:
        """Set the currency, and name its unit in the label and the help text."""
        self.currency = currency
        self.label = f"{self.label or ''} in {unit_of(currency)}"
        decimals = decimals_of(currency)
        most = f"at most {decimals} decimals" if decimals else "no decimals"
        example = self.prepare_value(1500 * 10 ** (decimals or 0))
        self.help_text = (
            f"How far below zero the balance may go, counting holds as spent. Use {most} and no "
            f"commas: enter {example} for 1,500 {unit_of(currency)}."
        )

    def prepare_value(self, value: Any) -> Any:
        return figure(value, self.currency).replace(",", "") if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        try:
            amount = minor_units(value or "", self.currency)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid") from error
        if amount > MONEY_MAX:
            most = money(MONEY_MAX, self.currency)
            raise ValidationError(f"The limit can be at most {most}.", code="max_value")
        return amount


class OverdraftForm(forms.ModelForm):
    """The new overdraft limit, and the reason for it."""

    overdraft_limit = MoneyField(label="Overdraft limit")
    reason = forms.CharField(
        label="Reason for the new limit", max_length=LONGEST_REASON, widget=AdminTextInputWidget
    )

    class Meta:
        model = Account
        fields = ("overdraft_limit",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # For users who may only view the account, the form has no fields.
        limit = self.fields.get("overdraft_limit")
        if isinstance(limit, MoneyField):
            limit.in_currency(self.instance.currency)

    def validate_constraints(self) -> None:
        """Skip them here. The service checks the balance while it holds the account's lock."""
