"""Filters for lists of transfers and for statements."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django_filters import rest_framework as filters

from accounts.exceptions import AccountNotFound
from accounts.models import Account
from api.fields import UUID_FORM
from api.filters import OneOfFilter
from transfers.kinds import Kind
from transfers.models import LedgerEntry, Transfer
from transfers.posting import EntryType
from transfers.querysets import TransferStatus

# RFC 3339 and unambiguous variants of it: an offset without a colon or minutes, zeros beyond the
# microseconds, and a space instead of the plus sign, because an unencoded plus in a query string is
# decoded as a space.
INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,6}0{0,6})?)"
    r"([Zz]|[ +-]\d\d(?::?[0-5]\d)?)",
    re.ASCII,
)


class InstantField(forms.Field):
    """An instant. The offset is required: without it, the meaning depends on a time zone."""

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        written = INSTANT.fullmatch(value)
        try:
            parsed = written and parse_datetime(
                f"{written[1]}{written[2].replace(' ', '+')}".upper()
            )
            instant = parsed and parsed.astimezone(UTC)
        except (ValueError, OverflowError):  # A 13th month, or a year 10000 in UTC.
            instant = None
        if instant is None:
            raise forms.ValidationError(
                "Send an instant with an offset, such as 2026-01-31T12:00:00Z.",
                code="invalid_instant",
            )
        return instant


class BalanceForm(forms.Form):
    """The query of a balance. Entries posted exactly ``at`` the instant are included."""

    at = InstantField(required=False)


class RangeForm(forms.Form):
    """A query with an optional range in time, which must not end before it begins."""

    def clean(self) -> dict[str, Any]:
        query = super().clean() or {}
        since, until = query.get("from"), query.get("to")
        if since and until and until < since:
            self.add_error(
                "to", forms.ValidationError("`to` comes before `from`.", "invalid_range")
            )
        return query


class IdField(forms.UUIDField):
    """A UUID with hyphens. Other forms are refused, as they are in request bodies."""

    def to_python(self, value: Any) -> Any:
        if value not in self.empty_values and not UUID_FORM.fullmatch(value):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class IdFilter(filters.UUIDFilter):
    field_class = IdField


class InstantFilter(filters.Filter):
    field_class = InstantField


def _range(since: dict[str, Any], until: dict[str, Any]) -> dict[str, filters.Filter]:
    # A function, because `from` is a keyword of Python and can't be the name of an attribute.
    instant = "RFC 3339 with an offset: `2026-01-31T12:00:00Z`."
    return {
        "from": InstantFilter(**since, help_text=f"At or after this instant. {instant}"),
        "to": InstantFilter(**until, help_text=f"Before this instant. {instant}"),
    }


class TransferFilter(filters.FilterSet):
    """
    Filter transfers by account, kind, status and time of creation.

    ``from`` is inclusive, and ``to`` is exclusive.
    """

    account_id = IdFilter(method="of_account", help_text="Only transfers from or to this account.")
    kind = OneOfFilter(
        [kind.value for kind in Kind], method="of_kind", help_text="Only transfers of this kind."
    )
    status = OneOfFilter(
        [status.value for status in TransferStatus],
        method="in_status",
        help_text="Only transfers with this status.",
    )

    class Meta:
        model = Transfer
        fields = ("account_id", "kind", "status")
        form = RangeForm

    @classmethod
    def get_filters(cls) -> dict[str, filters.Filter]:
        since, until = ({"field_name": "created_at", "lookup_expr": each} for each in ("gte", "lt"))
        return super().get_filters() | _range(since, until)

    def of_account(self, queryset: QuerySet, _name: str, account_id: UUID) -> QuerySet:
        if not Account.objects.visible_to(self.request.user).filter(pk=account_id).exists():
            raise AccountNotFound(account_id)
        return queryset.filter(Q(source_id=account_id) | Q(dest_id=account_id))

    def of_kind(self, queryset: Any, _name: str, kind: str) -> QuerySet:
        return queryset.of_kind(Kind(kind))

    def in_status(self, queryset: Any, _name: str, status: str) -> QuerySet:
        return queryset.in_status(TransferStatus(status))


class StatementFilter(filters.FilterSet):
    """Filter entries by type and time. ``from`` is inclusive, and ``to`` is exclusive."""

    type = OneOfFilter(
        [side.value for side in EntryType], help_text="Only debits, or only credits."
    )

    class Meta:
        model = LedgerEntry
        fields = ("type",)
        form = RangeForm

    @classmethod
    def get_filters(cls) -> dict[str, filters.Filter]:
        since, until = ({"field_name": "ts", "method": each} for each in ("since", "until"))
        return super().get_filters() | _range(since, until)

    def since(self, queryset: Any, _name: str, instant: datetime) -> QuerySet:
        return queryset.in_time(self._account_id, instant, None)

    def until(self, queryset: Any, _name: str, instant: datetime) -> QuerySet:
        return queryset.in_time(self._account_id, None, instant)

    @property
    def _account_id(self) -> UUID:
        account_id: UUID = self.request.parser_context["kwargs"]["account_id"]
        return account_id
