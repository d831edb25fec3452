"""How a list of accounts is narrowed."""

import re

from django.conf import settings
from django.db.models import QuerySet
from django_filters import rest_framework as filters

from accounts.enums import AccountStatus
from accounts.models import Account


class AccountFilter(filters.FilterSet):
    currency = filters.ChoiceFilter(
        choices=[(code, code) for code in settings.CURRENCIES],
        empty_label=None,
        help_text="Only accounts of this currency.",
    )
    status = filters.ChoiceFilter(
        choices=[(each.value, each.value) for each in AccountStatus],
        help_text="Only accounts that stand so.",
    )
    owner_name = filters.CharFilter(
        method="named", max_length=200, help_text="The whole name, in upper or lower case."
    )

    class Meta:
        model = Account
        fields = ("currency", "status", "owner_name")

    def named(self, queryset: QuerySet, _name: str, owner_name: str) -> QuerySet:
        # SQLite's own comparison folds the case of ASCII letters only; its REGEXP is Python's.
        return queryset.filter(owner_name__iregex=rf"\A{re.escape(owner_name)}\Z")
