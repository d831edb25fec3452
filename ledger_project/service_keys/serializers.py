"""Serializers for service keys in requests and responses."""

from datetime import datetime, timedelta
from typing import Any

from rest_framework import serializers

from api.fields import (
    BoundedListField,
    InstantField,
    NextCursorField,
    OneOfField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)
from api.instants import instant
from api.scopes import Scope
from ledger_project.service_keys.models import LONGEST_NAME, LONGEST_REASON, ServiceKey

# In seconds.
SHORTEST_LIFE = 60
LONGEST_LIFE = 10 * 365 * 24 * 60 * 60

SCOPES = [scope.value for scope in Scope]


def service_key_document(key: ServiceKey) -> dict[str, Any]:
    """Return a service key as the API's responses contain it, without its secret."""

    def shown(time: datetime | None) -> str | None:
        return None if time is None else instant(time)

    return {
        "client_id": str(key.pk),
        "name": key.name,
        "owner": key.owner.get_username(),
        "scopes": key.scope.split(),
        "created_at": shown(key.created_at),
        "expires_at": shown(key.expires_at),
        "last_used_at": shown(key.last_used_at),
        "revoked_at": shown(key.revoked_at),
        "revoke_reason": key.revoke_reason,
    }


class ServiceKeySerializer(serializers.Serializer):
    """A service key, without its secret."""

    client_id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True, help_text="What the key is for.")
    owner = serializers.CharField(
        read_only=True, help_text="The name of the user whom the key belongs to."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(SCOPES), read_only=True, help_text="What the key may do."
    )
    created_at = InstantField(read_only=True)
    expires_at = InstantField(
        read_only=True, allow_null=True, help_text="When it stops working, in UTC; null for never."
    )
    last_used_at = InstantField(
        read_only=True,
        allow_null=True,
        help_text="When it last obtained a token, in UTC, to the minute; null for never.",
    )
    revoked_at = InstantField(
        read_only=True, allow_null=True, help_text="When it was revoked, in UTC, or null."
    )
    revoke_reason = serializers.CharField(read_only=True, help_text="Why it was revoked.")

    def to_representation(self, instance: ServiceKey) -> dict[str, Any]:
        return service_key_document(instance)


class NewServiceKeySerializer(ServiceKeySerializer):
    """A service key that has just been created, with its secret."""

    client_secret = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="Shown only once: it is null in a replay, and can't be looked up later.",
    )


class ServiceKeyPageSerializer(serializers.Serializer):
    """A page of service keys, newest first."""

    items = ServiceKeySerializer(many=True, read_only=True)
    next_cursor = NextCursorField()


class CreateServiceKeySerializer(StrictSerializer):
    """The body of a request to create a service key."""

    name = StrictCharField(
        min_length=1, max_length=LONGEST_NAME, help_text="What the key is for: free text."
    )
    scopes = BoundedListField(
        child=OneOfField(SCOPES),
        min_length=1,
        max_length=len(SCOPES),
        help_text="What the key may do. It can never do more than its owner.",
    )
    expires_in = StrictIntegerField(
        min_value=SHORTEST_LIFE,
        max_value=LONGEST_LIFE,
        required=False,
        help_text="For how many seconds the key works. By default, until it is revoked.",
    )

    def validate_expires_in(self, seconds: int) -> timedelta:
        return timedelta(seconds=seconds)


class RevokeSerializer(StrictSerializer):
    """The reason for revoking a service key."""

    reason = StrictCharField(
        max_length=LONGEST_REASON,
        required=False,
        default="",
        allow_blank=True,
        help_text="Stored with the key. Surrounding whitespace is removed.",
    )
