"""A strict JSON parser, which refuses what two parsers could read differently (RFC 8259)."""

import json
from collections.abc import Collection
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from api.exceptions import EncodedBody, PayloadTooLarge

# In digits, more than any field accepts. Longer numbers are replaced by one that is out of range
# as well: Python refuses to convert very long ones, which would look like a syntax error.
LONGEST_INTEGER = 32


class StrictJSONParser(BaseParser):
    """Parse a JSON body of UTF-8 without duplicate names, NaN or Infinity."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None) -> Any:
        refuse_encoding((parser_context or {}).get("request"))
        return strict_json(stream.read())


def strict_json(body: bytes) -> Any:
    """
    Return the value of a JSON document.

    :raises ParseError: if it isn't JSON, is nested too deeply, or two parsers could disagree on it
    """
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
        )
    except RecursionError as error:
        raise ParseError("The body is nested too deeply. Send a flat JSON object.") from error
    except ValueError as error:
        raise ParseError(f"The body is not valid JSON: {error}.") from error


def require_size(request: HttpRequest | Request, limit: int) -> None:
    """
    Read the body and check that it is at most ``limit`` bytes long.

    :raises PayloadTooLarge: if it is longer
    """
    try:
        too_long = len(request.body) > limit
    except RequestDataTooBig:
        too_long = True
    if too_long:
        raise PayloadTooLarge(limit)


def unknown_parameter(known: Collection[str]) -> str:
    """Return the message for a query parameter that isn't one of these, which the route has."""
    if not known:
        return "This route has no query parameters. Leave it out."
    return f"This route has no such query parameter, only {', '.join(sorted(known))}."


def refuse_query(request: Request) -> None:
    """
    Check that the request has no query parameters.

    :raises ValidationError: if it has one
    """
    for name in request.query_params:
        raise ValidationError({name: [ErrorDetail(unknown_parameter(()), "unknown_parameter")]})


def refuse_encoding(request: Request | None) -> None:
    """
    Check that the body isn't encoded, for example compressed.

    :raises EncodedBody: if it is
    """
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "") if request is not None else ""
    if encoding.strip().lower() not in ("", "identity"):
        raise EncodedBody()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member name appears twice")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _integer(digits: str) -> int:
    if len(digits) <= LONGEST_INTEGER:
        return int(digits)
    return -(10**LONGEST_INTEGER) if digits.startswith("-") else 10**LONGEST_INTEGER
