"""How a list of accounts is narrowed."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django_filters import rest_framework as filters

from accounts.enums import AccountStatus
from accounts.models import Account
from accounts.serializers import not_a_choice


class OneOfFilter(filters.ChoiceFilter):
    """One of some values, which its refusal lists."""

    def __init__(self, values: Iterable[str], **kwargs: Any) -> None:
        choices = [(value, value) for value in values]
        error_messages = {"invalid_choice": not_a_choice("%(value)s", values)}
        super().__init__(choices=choices, error_messages=error_messages, **kwargs)


class AccountFilter(filters.FilterSet):
    currency = OneOfFilter(settings.CURRENCIES, help_text="Only accounts of this currency.")
    status = OneOfFilter(
        [each.value for each in AccountStatus], help_text="Only accounts with this status."
    )
    owner_name = filters.CharFilter(
        method="named", max_length=200, help_text="The whole name, in upper or lower case."
    )

    class Meta:
        model = Account
        fields = ("currency", "status", "owner_name")

    def named(self, queryset: Any, _name: str, owner_name: str) -> QuerySet:
        return queryset.named(owner_name)
