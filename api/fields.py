"""
Strict serializer fields for request bodies, and fields for responses.

No value is coerced: ``5`` is an amount, and ``"5"``, ``5.0`` and ``true`` are errors.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api.exceptions import NOT_AN_INTEGER, NOT_AN_OBJECT, UNKNOWN_FIELD
from api.instants import instant

# The form of ids in paths, queries and bodies. Python's UUID() also accepts braces, and hyphens in
# any place.
UUID_FORM = re.compile("[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")

METADATA_MAX_MEMBERS = 20
METADATA_MAX_BYTES = 4096
# The response names each unknown member, up to this number.
MOST_UNKNOWN = 20


class StrictSerializer(serializers.Serializer):
    """Refuse unknown members, because a misspelt one would otherwise be ignored silently."""

    default_error_messages = {"invalid": NOT_AN_OBJECT}

    def to_internal_value(self, data: Any) -> Any:
        unknown = self._unknown(data) if isinstance(data, dict) else {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            # All errors at once, so that they can be corrected at once.
            known: Any = error.detail
            raise serializers.ValidationError({**unknown, **known}) from error
        if unknown:
            raise serializers.ValidationError(unknown)
        return value

    def _unknown(self, data: dict[str, Any]) -> dict[str, list[ErrorDetail]]:
        names = [name for name in data if name not in self.fields]
        return {
            name: [ErrorDetail(UNKNOWN_FIELD, code="unknown_field")]
            for name in names[:MOST_UNKNOWN]
        }


class BoundedListField(serializers.ListField):
    """A list whose length is checked before its items, which keeps the work bounded."""

    default_error_messages = {
        "not_a_list": "Send a JSON array.",
        "min_length": "Send at least {min_length}.",
    }

    def to_internal_value(self, data: Any) -> list:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            raise serializers.ValidationError(
                f"Send at most {self.max_length} items.", code="max_length"
            )
        return super().to_internal_value(data)


class StrictCharField(serializers.CharField):
    """A JSON string. Other types aren't converted."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false. Other types and values aren't converted."""

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
    """Return the message for a value that isn't one of the choices."""
    return f'"{value}" is not a valid choice. Send one of {", ".join(choices)}.'


class OneOfField(serializers.ChoiceField):
    """One of several strings, which the error message lists."""

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
    """The caller's own data: a few short strings, which the ledger stores and doesn't interpret."""

    child = StrictCharField(allow_blank=True, trim_whitespace=False)
    default_error_messages = {"not_a_dict": NOT_AN_OBJECT}

    def to_internal_value(self, data: Any) -> dict[str, str]:
        # Before the members are checked, to keep the work bounded.
        if isinstance(data, dict) and len(data) > METADATA_MAX_MEMBERS:
            raise serializers.ValidationError(f"Send at most {METADATA_MAX_MEMBERS} members.")
        metadata = super().to_internal_value(data)
        for name in metadata:
            # Names must consist of the same characters as values.
            try:
                self.child.run_validation(name)
            except serializers.ValidationError as error:
                raise serializers.ValidationError({name: error.detail}) from error
        size = sum(len(name.encode()) + len(text.encode()) for name, text in metadata.items())
        if size > METADATA_MAX_BYTES:
            raise serializers.ValidationError(f"Send at most {METADATA_MAX_BYTES} bytes in all.")
        return metadata


class InstantField(serializers.DateTimeField):
    """An instant in a response, in UTC."""

    def to_representation(self, value: datetime) -> str:
        return instant(value)


class EmptySerializer(StrictSerializer):
    """An empty JSON object."""


class NextCursorField(serializers.CharField):
    """The cursor of the next page."""

    def __init__(self) -> None:
        help_text = "Pass it as `cursor` to get the next page. Null on the last page."
        super().__init__(read_only=True, allow_null=True, help_text=help_text)
