"""Serializers for approvals in requests and responses."""

from typing import Any

from rest_framework import serializers

from accounts.models import LONGEST_REASON
from api.deferred import Answer
from api.fields import (
    InstantField,
    MetadataField,
    NextCursorField,
    StrictCharField,
    StrictSerializer,
)
from api.instants import instant
from transfers.approvals.models import Approval
from transfers.approvals.statuses import ApprovalKind, ApprovalStatus


def approval_document(approval: Approval) -> dict[str, Any]:
    """Return an approval as the API's responses contain it."""
    decided_by = approval.decided_by
    return {
        "id": str(approval.pk),
        "kind": approval.kind,
        "status": approval.status,
        "amount": approval.amount,
        "currency": approval.currency,
        "source_account_id": approval.source_id and str(approval.source_id),
        "dest_account_id": approval.dest_id and str(approval.dest_id),
        "reverses_id": approval.reverses_id and str(approval.reverses_id),
        "account_id": approval.account_id and str(approval.account_id),
        "memo": approval.memo,
        "metadata": approval.metadata,
        "expires_in": approval.expires_in,
        "requested_by": approval.requested_by.get_username(),
        "requested_at": instant(approval.requested_at),
        "decided_by": decided_by and decided_by.get_username(),
        "decided_at": approval.decided_at and instant(approval.decided_at),
        "note": approval.note,
        "transfer_id": approval.transfer_id and str(approval.transfer_id),
    }


def waiting(approval: Approval) -> Answer:
    """Return the answer to a request that waits for approval."""
    return Answer(202, approval_document(approval), {"Location": f"/approvals/{approval.pk}"})


class ApprovalSerializer(serializers.Serializer):
    """A request that needs a second person."""

    id = serializers.UUIDField(read_only=True)
    kind = serializers.ChoiceField([each.value for each in ApprovalKind], read_only=True)
    status = serializers.ChoiceField([each.value for each in ApprovalStatus], read_only=True)
    amount = serializers.IntegerField(
        read_only=True, help_text="What to move, or the overdraft limit to set, in minor units."
    )
    currency = serializers.CharField(read_only=True)
    source_account_id = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The account to debit; null for an OVERDRAFT_LIMIT.",
    )
    dest_account_id = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The account to credit; null for an OVERDRAFT_LIMIT.",
    )
    reverses_id = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The transfer to reverse; null for kinds other than REVERSAL.",
    )
    account_id = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The account of an OVERDRAFT_LIMIT; null for other kinds.",
    )
    memo = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="The memo of the transfer, or the reason for the limit.",
    )
    metadata = MetadataField(read_only=True)
    expires_in = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="How many seconds a HOLD will last from its approval on; null for other kinds.",
    )
    requested_by = serializers.CharField(read_only=True, help_text="The username of the requester.")
    requested_at = InstantField(read_only=True, help_text="When they asked, in UTC.")
    decided_by = serializers.CharField(
        read_only=True, allow_null=True, help_text="The username of the user who decided, or null."
    )
    decided_at = InstantField(
        read_only=True, allow_null=True, help_text="When they decided, in UTC, or null."
    )
    note = serializers.CharField(
        read_only=True, help_text="What they noted, such as why they declined."
    )
    transfer_id = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The transfer that was posted when it was approved. Null until then, and for an "
        "OVERDRAFT_LIMIT.",
    )

    def to_representation(self, instance: Approval) -> dict[str, Any]:
        return approval_document(instance)


class ApprovalPageSerializer(serializers.Serializer):
    """A page of approvals, newest first."""

    items = ApprovalSerializer(many=True, read_only=True)
    next_cursor = NextCursorField()


class ApproveSerializer(StrictSerializer):
    """What to note about the approval."""

    note = StrictCharField(
        max_length=LONGEST_REASON,
        required=False,
        default="",
        allow_blank=True,
        help_text="Stored with the approval. Surrounding whitespace is removed.",
    )


class DeclineSerializer(StrictSerializer):
    """Why the request is declined."""

    reason = StrictCharField(
        max_length=LONGEST_REASON,
        help_text="Stored as the `note`. Surrounding whitespace is removed.",
    )
