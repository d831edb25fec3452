"""The filters of the list of accounts."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django_filters import rest_framework as filters

from accounts.enums import AccountStatus
from accounts.models import LONGEST_NAME, Account
from api.filters import OneOfFilter


class AccountFilter(filters.FilterSet):
    """Filters by currency, status and owner name."""

    currency = OneOfFilter(settings.CURRENCIES, help_text="Only accounts with this currency.")
    status = OneOfFilter(
        [each.value for each in AccountStatus], help_text="Only accounts with this status."
    )
    owner_name = filters.CharFilter(
        method="named",
        max_length=LONGEST_NAME,
        help_text="Only accounts with this exact name. Case is ignored.",
    )

    class Meta:
        model = Account
        fields = ("currency", "status", "owner_name")

    def named(self, queryset: Any, _name: str, owner_name: str) -> QuerySet:
        return queryset.named(owner_name)
