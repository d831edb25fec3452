"""Serializers for transfers and statements. Amounts are in minor units, times in UTC."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rest_framework import serializers

from accounts.models import Account
from accounts.serializers import MoneyField, account_document
from api.fields import (
    BoundedListField,
    InstantField,
    MetadataField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)
from api.instants import instant
from transfers.kinds import Kind
from transfers.models import LONGEST_HOLD, LONGEST_MEMO, LedgerEntry, Transfer
from transfers.movements import Order
from transfers.posting import EntryType
from transfers.querysets import STATEMENT_LINE, TransferStatus

DEFAULT_HOLD = timedelta(days=7)
LARGEST_BATCH = 1000


class MemoField(StrictCharField):
    """The optional purpose of a transfer. Defaults to null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=LONGEST_MEMO,
            required=False,
            allow_null=True,
            default=None,
            trim_whitespace=False,
            allow_blank=True,
            **kwargs,
        )


class CashSerializer(StrictSerializer):
    """A deposit or a withdrawal."""

    amount = MoneyField()
    memo = MemoField()
    metadata = MetadataField(required=False, default=dict)


class OrderSerializer(StrictSerializer):
    """A transfer to post."""

    source_account_id = StrictUUIDField()
    dest_account_id = StrictUUIDField()
    amount = MoneyField()
    memo = MemoField()
    metadata = MetadataField(required=False, default=dict)


# The check of `TransferOrderSerializer.validate` as JSON Schema.
ONLY_HOLDS_EXPIRE = {
    "expires_in": {"required": ["hold"], "properties": {"hold": {"const": True}}},
}


class TransferOrderSerializer(OrderSerializer):
    """A transfer to post, or an amount to hold."""

    hold = StrictBooleanField(
        required=False,
        default=False,
        help_text="true to reserve the amount instead of moving it. Defaults to false.",
    )
    expires_in = StrictIntegerField(
        min_value=1,
        max_value=int(LONGEST_HOLD.total_seconds()),
        required=False,
        help_text=f"Seconds from now, only with `hold`. Defaults to {DEFAULT_HOLD.days} days.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "expires_in" in attrs and not attrs["hold"]:
            raise serializers.ValidationError(
                {"expires_in": "Only a hold can expire. Send `hold: true` as well."}
            )
        return attrs


class BatchSerializer(StrictSerializer):
    """Transfers to post in order, all or nothing."""

    transfers = BoundedListField(
        child=OrderSerializer(),
        min_length=1,
        max_length=LARGEST_BATCH,
        help_text="Posted in this order.",
    )


class CaptureSerializer(StrictSerializer):
    """The amount of a hold to capture, and a memo."""

    amount = MoneyField(
        required=False,
        help_text="In minor units. Defaults to the whole held amount, which is the maximum.",
    )
    memo = MemoField(help_text="What the capture is for. Defaults to the memo of the hold.")


class ReverseSerializer(StrictSerializer):
    """The reason for a reversal."""

    memo = MemoField()


def transfer_document(transfer: Transfer, status: TransferStatus | None = None) -> dict[str, Any]:
    """
    Return a transfer as the API represents it.

    :param status: the status to give it; None for the one that it has now

    Written by hand, like ``account_document``, because it is faster than a serializer.
    """
    return {
        "id": str(transfer.pk),
        "kind": transfer.kind,
        "status": status or transfer.status,
        "amount": transfer.amount,
        "currency": transfer.currency,
        "memo": transfer.memo,
        "metadata": transfer.metadata,
        "source_account_id": str(transfer.source_id),
        "dest_account_id": str(transfer.dest_id),
        "hold_id": transfer.hold_id and str(transfer.hold_id),
        "reverses_id": transfer.reverses_id and str(transfer.reverses_id),
        "expires_at": transfer.expires_at and instant(transfer.expires_at),
        "created_at": instant(transfer.created_at),
    }


class TransferSerializer(serializers.ModelSerializer):
    """A transfer. Amounts are in minor units."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind], read_only=True)
    status = serializers.ChoiceField(
        choices=[status.value for status in TransferStatus], read_only=True
    )
    source_account_id = serializers.UUIDField(source="source_id", read_only=True)
    dest_account_id = serializers.UUIDField(source="dest_id", read_only=True)
    hold_id = serializers.UUIDField(read_only=True, allow_null=True)
    reverses_id = serializers.UUIDField(read_only=True, allow_null=True)
    memo = serializers.CharField(read_only=True, allow_null=True)
    metadata = MetadataField(read_only=True)
    expires_at = InstantField(read_only=True, allow_null=True)
    created_at = InstantField(read_only=True)

    class Meta:
        model = Transfer
        fields = (
            "id",
            "kind",
            "status",
            "amount",
            "currency",
            "memo",
            "metadata",
            "source_account_id",
            "dest_account_id",
            "hold_id",
            "reverses_id",
            "expires_at",
            "created_at",
        )
        read_only_fields = fields

    def to_representation(self, instance: Transfer) -> dict[str, Any]:
        return transfer_document(instance)


class StatementItemSerializer(serializers.ModelSerializer):
    """An entry in a statement, with the balance after it."""

    ts = InstantField(read_only=True)
    account_id = serializers.UUIDField(read_only=True)
    transfer_id = serializers.UUIDField(read_only=True)
    type = serializers.ChoiceField(choices=[side.value for side in EntryType], read_only=True)
    balance = serializers.IntegerField(
        read_only=True, help_text="The balance after this entry, in minor units."
    )
    sequence = serializers.IntegerField(read_only=True)
    ref = serializers.CharField(
        source="transfer.memo",
        read_only=True,
        allow_null=True,
        help_text="The memo of the transfer.",
    )
    kind = serializers.ChoiceField(
        choices=[kind.value for kind in Kind], source="transfer.kind", read_only=True
    )
    counterparty_id = serializers.UUIDField(
        read_only=True,
        help_text="The other account of the transfer; for cash, the EXTERNAL account.",
    )
    currency = serializers.CharField(source="transfer.currency", read_only=True)

    class Meta:
        model = LedgerEntry
        fields = STATEMENT_LINE
        read_only_fields = fields

    def to_representation(self, instance: Any) -> dict[str, Any]:
        # The line is a named tuple. The renderer formats the UUIDs.
        return {**dict(zip(STATEMENT_LINE, instance, strict=True)), "ts": instant(instance.ts)}


class BalanceSerializer(serializers.Serializer):
    """The balance of an account at an instant."""

    account_id = serializers.UUIDField()
    currency = serializers.CharField()
    at = InstantField(help_text="The instant, in UTC.")
    balance = serializers.IntegerField(help_text="The balance at that instant, in minor units.")
    sequence = serializers.IntegerField(help_text="The number of entries up to that instant.")


def order_of(data: Mapping[str, Any]) -> Order:
    """Return the order described by a validated request body."""
    held = data.get("hold", False)
    lifetime = timedelta(seconds=data["expires_in"]) if "expires_in" in data else DEFAULT_HOLD
    return Order(
        kind=Kind.HOLD if held else Kind.TRANSFER,
        expires_in=lifetime if held else None,
        source_id=data["source_account_id"],
        dest_id=data["dest_account_id"],
        amount=data["amount"],
        memo=data["memo"],
        metadata=data["metadata"],
    )


def party(account: Account, visible: bool) -> dict[str, Any]:
    """Return an account as a side of a transfer: only its id unless it is ``visible``."""
    return account_document(account) if visible else {"id": str(account.pk)}
