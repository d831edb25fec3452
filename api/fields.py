"""
The strict fields that every request body is made of, and the fields of responses.

Nothing is coerced: ``5`` is money, ``"5"``, ``5.0`` and ``true`` are mistakes of the client's.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api.exceptions import NOT_AN_INTEGER, UNKNOWN_FIELD
from api.instants import instant

# In a path, a query or a body. Python's own UUID() takes braces too, and hyphens anywhere.
UUID_FORM = re.compile("[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")

METADATA_MAX_MEMBERS = 20
METADATA_MAX_BYTES = 4096
# A body may have very many unknown members, and its answer names each.
MOST_UNKNOWN = 20


class StrictSerializer(serializers.Serializer):
    """Refuse members that it doesn't know: a misspelt field would be silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError(
                    {
                        name: [ErrorDetail(UNKNOWN_FIELD, code="unknown_field")]
                        for name in unknown[:MOST_UNKNOWN]
                    }
                )
        return super().to_internal_value(data)


class BoundedListField(serializers.ListField):
    """A list whose length is checked before its items are: there may be very many of them."""

    def to_internal_value(self, data: Any) -> list:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            raise serializers.ValidationError(
                f"Send at most {self.max_length} items.", code="max_length"
            )
        return super().to_internal_value(data)


class StrictCharField(serializers.CharField):
    """A JSON string, and nothing that could be made one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false, and nothing that could be made one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer: not a float, a string or a boolean."""

    default_error_messages = {"invalid": NOT_AN_INTEGER}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data


def not_a_choice(value: str, choices: Iterable[str]) -> str:
    """Return what is said of a value that isn't one of the choices."""
    return f'"{value}" is not a valid choice. Send one of {", ".join(choices)}.'


class OneOfField(serializers.ChoiceField):
    """One of some strings, which its refusal lists."""

    def __init__(self, choices: Sequence[str], **kwargs: Any) -> None:
        error_messages: dict[str, Any] = {"invalid_choice": not_a_choice("{input}", choices)}
        super().__init__(choices=choices, error_messages=error_messages, **kwargs)


class StrictUUIDField(serializers.UUIDField):
    """A UUID as a string, in its usual form with hyphens."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not UUID_FORM.fullmatch(data):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": METADATA_MAX_MEMBERS,
        "additionalProperties": {"type": "string", "pattern": r"^[^\u0000]*$"},
        "propertyNames": {"pattern": r"^[^\u0000]*$"},
    },
    component_name="Metadata",
)
class MetadataField(serializers.DictField):
    """The caller's own notes: a few short strings. The ledger never reads them."""

    child = StrictCharField(allow_blank=True, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        # First, or each of very many members would be looked at.
        if isinstance(data, dict) and len(data) > METADATA_MAX_MEMBERS:
            raise serializers.ValidationError(f"Send at most {METADATA_MAX_MEMBERS} members.")
        metadata = super().to_internal_value(data)
        for name in metadata:
            # A name is held to the same letters as a value.
            try:
                self.child.run_validation(name)
            except serializers.ValidationError as error:
                raise serializers.ValidationError({name: error.detail}) from error
        size = sum(len(name.encode()) + len(text.encode()) for name, text in metadata.items())
        if size > METADATA_MAX_BYTES:
            raise serializers.ValidationError(f"Send at most {METADATA_MAX_BYTES} bytes in all.")
        return metadata


class InstantField(serializers.DateTimeField):
    """An instant in a response."""

    def to_representation(self, value: datetime) -> str:
        return instant(value)


class EmptySerializer(StrictSerializer):
    """An empty JSON object."""


class NextCursorField(serializers.CharField):
    """Where the next page begins."""

    def __init__(self) -> None:
        help_text = "Pass it as `cursor` to get the next page. Null on the last page."
        super().__init__(read_only=True, allow_null=True, help_text=help_text)
