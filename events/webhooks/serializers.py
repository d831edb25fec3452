"""Serializers for webhooks and their deliveries in requests and responses."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from api.fields import (
    BoundedListField,
    InstantField,
    NextCursorField,
    OneOfField,
    StrictCharField,
    StrictSerializer,
    StrictUUIDField,
)
from api.instants import instant
from events.types import EventType
from events.webhooks.addresses import LONGEST_URL, Refused, target_of
from events.webhooks.attempts import TEST_TYPE
from events.webhooks.models import LONGEST_DESCRIPTION, Delivery, Endpoint
from events.webhooks.statuses import DeliveryStatus, EndpointStatus

EVENT_TYPES = [each.value for each in EventType]
MOST_ACCOUNTS = 100


def webhook_document(endpoint: Endpoint) -> dict[str, Any]:
    """Return a webhook as the API's responses contain it, without its secret."""
    return {
        "id": str(endpoint.pk),
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "account_ids": endpoint.account_ids,
        "status": endpoint.status,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": _shown(endpoint.failing_since),
        "created_at": instant(endpoint.created_at),
    }


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as the API's responses contain it."""
    event = delivery.event
    return {
        "id": str(delivery.pk),
        "event_id": None if event is None else str(event.uuid),
        "event_type": TEST_TYPE if event is None else event.type,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "attempted_at": _shown(delivery.attempted_at),
        "next_attempt_at": _shown(delivery.due_at),
        "response_status": delivery.response_status,
        "response_ms": delivery.response_ms,
        "response_body": delivery.response_body,
        "error": delivery.error,
        "created_at": instant(delivery.created_at),
    }


def _shown(time: datetime | None) -> str | None:
    return None if time is None else instant(time)


class WebhookSerializer(serializers.Serializer):
    """A webhook, without its secret."""

    id = serializers.UUIDField(read_only=True)
    url = serializers.CharField(read_only=True, help_text="Where events are sent.")
    description = serializers.CharField(read_only=True, help_text="What it is for: free text.")
    events = serializers.ListField(
        child=serializers.ChoiceField(EVENT_TYPES),
        read_only=True,
        help_text="The types of events that are delivered. Empty for all.",
    )
    account_ids = serializers.ListField(
        child=serializers.UUIDField(),
        read_only=True,
        help_text="The accounts whose events are delivered. Empty for all that the owner may see.",
    )
    status = serializers.ChoiceField(
        [each.value for each in EndpointStatus],
        read_only=True,
        help_text="Nothing is sent to a DISABLED webhook.",
    )
    disabled_reason = serializers.CharField(read_only=True, help_text="Why it was disabled.")
    failing_since = InstantField(
        read_only=True,
        allow_null=True,
        help_text="The first failed attempt after the last successful one, in UTC, or null.",
    )
    created_at = InstantField(read_only=True)

    def to_representation(self, instance: Endpoint) -> dict[str, Any]:
        return webhook_document(instance)


class WebhookWithSecretSerializer(WebhookSerializer):
    """A webhook with a new secret."""

    secret = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="Verifies signatures. Shown only once: it is null in a replay of the response.",
    )


class WebhookPageSerializer(serializers.Serializer):
    """A page of webhooks, newest first."""

    items = WebhookSerializer(many=True, read_only=True)
    next_cursor = NextCursorField()


class DeliverySerializer(serializers.Serializer):
    """The delivery of an event to a webhook, with the outcome of its last attempt."""

    id = serializers.UUIDField(read_only=True)
    event_id = serializers.UUIDField(
        read_only=True, allow_null=True, help_text="The id of the event; null for a test."
    )
    event_type = serializers.CharField(
        read_only=True, help_text=f"The type of the event, or `{TEST_TYPE}`."
    )
    status = serializers.ChoiceField(
        [each.value for each in DeliveryStatus],
        read_only=True,
        help_text="PENDING until it succeeds (DELIVERED) or is given up (FAILED).",
    )
    attempts = serializers.IntegerField(read_only=True, help_text="How many were made.")
    attempted_at = InstantField(
        read_only=True, allow_null=True, help_text="The end of the last attempt, in UTC."
    )
    next_attempt_at = InstantField(
        read_only=True, allow_null=True, help_text="Not before this time, in UTC. Null if none."
    )
    response_status = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="The status of the last response, if any."
    )
    response_ms = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="How long the last attempt took."
    )
    response_body = serializers.CharField(
        read_only=True, help_text="The first 1,024 bytes of the last response."
    )
    error = serializers.CharField(read_only=True, help_text="Why there was no response.")
    created_at = InstantField(read_only=True)

    def to_representation(self, instance: Delivery) -> dict[str, Any]:
        return delivery_document(instance)


class DeliveryPageSerializer(serializers.Serializer):
    """A page of deliveries, newest first."""

    items = DeliverySerializer(many=True, read_only=True)
    next_cursor = NextCursorField()


class ChangeWebhookSerializer(StrictSerializer):
    """The members of a webhook to change."""

    url = StrictCharField(
        max_length=LONGEST_URL,
        required=False,
        help_text="An https URL whose host has only public addresses.",
    )
    events = BoundedListField(
        child=OneOfField(EVENT_TYPES),
        max_length=len(EVENT_TYPES),
        required=False,
        help_text="The types of events to deliver. Empty for all, which is the default.",
    )
    account_ids = BoundedListField(
        child=StrictUUIDField(),
        max_length=MOST_ACCOUNTS,
        required=False,
        help_text="Only deliver events of these accounts. Empty for all that you may see, which is "
        "the default.",
    )
    description = StrictCharField(
        max_length=LONGEST_DESCRIPTION,
        required=False,
        allow_blank=True,
        help_text="What the webhook is for: free text.",
    )

    def validate_url(self, url: str) -> str:
        try:
            target_of(url)
        except Refused as refused:
            raise serializers.ValidationError(str(refused), code="refused_url") from refused
        return url

    def validate_events(self, events: list[str]) -> list[str]:
        return list(dict.fromkeys(events))

    def validate_account_ids(self, ids: list[Any]) -> list[str]:
        return list(dict.fromkeys(map(str, ids)))


class RegisterWebhookSerializer(ChangeWebhookSerializer):
    """The URL of a new webhook, and which events to send to it."""

    url = StrictCharField(
        max_length=LONGEST_URL, help_text="An https URL whose host has only public addresses."
    )

    def to_internal_value(self, data: Any) -> Any:
        return {"events": [], "account_ids": [], "description": ""} | super().to_internal_value(
            data
        )


class ReplaySerializer(StrictSerializer):
    """Where in the log to begin."""

    after = StrictCharField(
        allow_null=True,
        help_text="A `next_cursor` of the feed of events. Null for the beginning of the log.",
    )
