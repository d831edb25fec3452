"""The form of an action that staff carry out on a row of a table."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget

from accounts.admin.amount import MoneyField
from accounts.admin.pages import money_shown
from accounts.models import LONGEST_REASON


class ActionForm(forms.Form):
    """The fields of an action on a row. The last one is the reason for it, if it has one."""

    required_css_class = "required"
    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_REASON,
        widget=AdminTextInputWidget,
        help_text="It is recorded with the change.",
    )

    def __init__(self, row: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row
        if "reason" in self.fields:
            self.fields["reason"] = self.fields.pop("reason")
        for field in self.fields.values():
            if isinstance(field, MoneyField):
                field.in_currency(row.currency)

    @property
    def asks_only_reason(self) -> bool:
        """Whether the preview needs no values: there is no field but the reason."""
        return not self.fields.keys() - {"reason"}

    def entered(self) -> list[tuple[str, str]]:
        """Return the labels and values of the valid form, as the preview shows them."""
        return [
            (str(field.label), self.shown(name, self.cleaned_data[name]))
            for name, field in self.fields.items()
        ]

    def shown(self, name: str, value: Any) -> str:
        """Return the value of a field as staff read it."""
        is_money = isinstance(self.fields[name], MoneyField)
        return money_shown(value, self.row.currency) if is_money else str(value)
