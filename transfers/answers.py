"""The shapes of answers that a view puts together: described to OpenAPI, and to nobody else."""

from rest_framework import serializers

from accounts.models import Account
from accounts.serializers import AccountSerializer
from api.fields import NextCursorField
from transfers.models import Transfer
from transfers.serializers import StatementItemSerializer, TransferSerializer


class CashAnswerSerializer(AccountSerializer):
    """The account as it now stands, and the transfer that moved the cash."""

    transfer_id = serializers.UUIDField(read_only=True)

    class Meta:
        model = Account
        fields = (*AccountSerializer.Meta.fields, "transfer_id")
        read_only_fields = fields


class TransferSideSerializer(AccountSerializer):
    """The account as it now stands if the caller may see it, otherwise its `id` alone."""


class TransferAnswerSerializer(TransferSerializer):
    """A transfer as it was just posted, with both its accounts."""

    # Named like an attribute of DRF's.
    source = TransferSideSerializer(read_only=True)  # type: ignore[assignment]
    dest = TransferSideSerializer(read_only=True)

    class Meta:
        model = Transfer
        fields = (*TransferSerializer.Meta.fields, "source", "dest")
        read_only_fields = fields


class BatchAnswerSerializer(serializers.Serializer):
    """The transfers of a batch, in its order."""

    transfers = TransferSerializer(
        many=True, read_only=True, help_text="In the order in which they were sent."
    )


class TransferPageSerializer(serializers.Serializer):
    """Transfers, newest first."""

    items = TransferSerializer(many=True, read_only=True)
    next_cursor = NextCursorField()


class StatementPageSerializer(serializers.Serializer):
    """Entries of an account, newest first."""

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
