"""Serializers that describe events in the OpenAPI document. ``bodies`` makes the responses."""

from rest_framework import serializers

from api.fields import InstantField
from events.types import EventType


class EventSerializer(serializers.Serializer):
    """Something that happened to an account or was posted."""

    id = serializers.UUIDField(read_only=True, help_text="The id of the event.")
    type = serializers.ChoiceField(choices=[each.value for each in EventType], read_only=True)
    created_at = InstantField(read_only=True, help_text="When it happened, in UTC.")
    # The name shadows an attribute of DRF's Serializer.
    data = serializers.DictField(  # type: ignore[assignment]
        read_only=True,
        help_text="For `transfer.…` and `hold.…`, the Transfer as it was posted. For `account.…`, "
        "the Account after the change.",
    )


class EventPageSerializer(serializers.Serializer):
    """A page of events, oldest first."""

    items = EventSerializer(many=True, read_only=True)
    next_cursor = serializers.CharField(
        read_only=True,
        help_text="Pass it as `after` to continue. It is never null: ask again with it later.",
    )
