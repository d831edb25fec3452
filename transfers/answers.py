"""Serializers that describe composed responses in the OpenAPI document, and do nothing else."""

from rest_framework import serializers

from accounts.models import Account
from accounts.serializers import AccountSerializer
from api.fields import NextCursorField
from transfers.models import Transfer
from transfers.serializers import StatementItemSerializer, TransferSerializer


class CashAnswerSerializer(AccountSerializer):
    """The account after the deposit or withdrawal, and the id of the transfer."""

    transfer_id = serializers.UUIDField(read_only=True)

    class Meta:
        model = Account
        fields = (*AccountSerializer.Meta.fields, "transfer_id")
        read_only_fields = fields


class TransferSideSerializer(AccountSerializer):
    """An account after the transfer. Only `id` is present if the caller may not see it."""


class TransferAnswerSerializer(TransferSerializer):
    """A transfer that was just posted, with its source and destination."""

    # The name shadows an attribute of DRF's Field.
    source = TransferSideSerializer(read_only=True)  # type: ignore[assignment]
    dest = TransferSideSerializer(read_only=True)

    class Meta:
        model = Transfer
        fields = (*TransferSerializer.Meta.fields, "source", "dest")
        read_only_fields = fields


class BatchAnswerSerializer(serializers.Serializer):
    """The transfers of a batch."""

    transfers = TransferSerializer(
        many=True, read_only=True, help_text="In the order of the request."
    )


class TransferPageSerializer(serializers.Serializer):
    """A page of transfers, newest first."""

    items = TransferSerializer(many=True, read_only=True)
    next_cursor = NextCursorField()


class StatementPageSerializer(serializers.Serializer):
    """A page of a statement, newest entries first."""

    items = StatementItemSerializer(many=True, read_only=True)
    next_cursor = NextCursorField()
    opening_balance = serializers.IntegerField(
        required=False,
        help_text="With `from` or `to`: the balance before the range, in minor units.",
    )
    closing_balance = serializers.IntegerField(
        required=False,
        help_text="With `from` or `to`: the balance after the range, in minor units.",
    )
