"""Serializers for accounts in requests and responses."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.enums import MONEY_MAX, AccountStatus
from accounts.models import LONGEST_NAME, LONGEST_REASON, Account
from api.fields import (
    InstantField,
    MetadataField,
    NextCursorField,
    OneOfField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)
from api.instants import instant


class MoneyField(StrictIntegerField):
    """A positive amount in minor units (cents), at most 2^53 - 1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MONEY_MAX, **kwargs)


def account_document(account: Account) -> dict[str, Any]:
    """
    Return an account as the API's responses contain it.

    Responses are built here and not by the serializer, because DRF copies a serializer's fields for
    each instance, which took longer than everything else in a response. The serializer describes
    the same members for OpenAPI.
    """
    return {
        "id": str(account.pk),
        "owner_name": account.owner_name,
        "currency": account.currency,
        "status": account.status,
        "balance": account.balance,
        "held": account.held,
        "available": account.available,
        "overdraft_limit": account.overdraft_limit,
        "version": account.version,
        "metadata": account.metadata,
        "created_at": instant(account.created_at),
    }


class AccountSerializer(serializers.ModelSerializer):
    """An account. Amounts are in minor units."""

    available = serializers.IntegerField(
        read_only=True,
        help_text="What can be spent, in minor units: `balance - held + overdraft_limit`.",
    )
    status = serializers.ChoiceField(choices=[each.value for each in AccountStatus], read_only=True)
    metadata = MetadataField(read_only=True)
    created_at = InstantField(read_only=True)

    class Meta:
        model = Account
        fields = (
            "id",
            "owner_name",
            "currency",
            "status",
            "balance",
            "held",
            "available",
            "overdraft_limit",
            "version",
            "metadata",
            "created_at",
        )
        read_only_fields = fields

    def to_representation(self, instance: Account) -> dict[str, Any]:
        return account_document(instance)


class AccountPageSerializer(serializers.Serializer):
    """A page of accounts, newest first."""

    items = AccountSerializer(many=True, read_only=True)
    next_cursor = NextCursorField()


class OpenAccountSerializer(StrictSerializer):
    """The body of a request to open an account."""

    owner_name = StrictCharField(min_length=1, max_length=LONGEST_NAME)
    currency = OneOfField(
        settings.CURRENCIES,
        default=settings.DEFAULT_CURRENCY,
        help_text=f"An ISO 4217 code. Defaults to {settings.DEFAULT_CURRENCY}. It can't be changed "
        "later.",
    )
    metadata = MetadataField(required=False, default=dict)


class DescribeAccountSerializer(StrictSerializer):
    """The members of an account to change."""

    owner_name = StrictCharField(min_length=1, max_length=LONGEST_NAME, required=False)
    metadata = MetadataField(required=False)


class ReasonSerializer(StrictSerializer):
    """The reason for closing, freezing or unfreezing an account."""

    reason = StrictCharField(
        max_length=LONGEST_REASON,
        required=False,
        default="",
        allow_blank=True,
        help_text="Stored with the change. Surrounding whitespace is removed.",
    )
