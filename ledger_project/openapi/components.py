"""Components that operations of the OpenAPI document refer to: schemas and headers."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.examples import ACCOUNT_ID
from api.exceptions import NotAuthenticated
from api.fields import EmptySerializer
from api.problems import MEDIA_TYPE
from ledger_project.idempotency.keys import LONGEST_KEY, PATTERN
from ledger_project.logs import REQUEST_ID
from ledger_project.openapi.errors import ERRORS
from transfers.examples import TRANSFER_ID


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _integer(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "integer", "description": description, **more}


KEY_SCHEMA = _text(
    f"1 to {LONGEST_KEY} ASCII characters other than spaces and commas, optionally in quotation "
    "marks.",
    minLength=1,
    # Including the quotation marks.
    maxLength=LONGEST_KEY + 2,
    pattern=PATTERN,
)

TYPES: dict[type, dict[str, str]] = {
    int: {"type": "integer"},
    str: {"type": "string"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
}


def _figures() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the additional members of a problem. Each code has some of them."""
    # Each class with its base classes, which may have values of their own.
    classes = dict.fromkeys(each for error in ERRORS.values() for each in type(error).__mro__)
    for each in classes:
        for name, (kind, description) in vars(each).get("figures", {}).items():
            yield name, {**TYPES[kind], "description": description}


SCHEMAS: dict[str, Any] = {
    "Key": KEY_SCHEMA,
    "EmptyRequest": {
        "type": "object",
        "description": EmptySerializer.__doc__,
        "properties": {},
        "maxProperties": 0,
    },
    # Not an enum, because a generated client would fail on an unknown code.
    "ErrorCode": _text(
        "A stable name for the error. New codes may be added.",
        **{"x-extensible-enum": list(ERRORS)},
    ),
    "FieldError": {
        "type": "object",
        "description": "What is wrong with one member of the body or one query parameter.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": _text(
                "A JSON pointer into the body (RFC 6901), such as `#/amount`; or `#/` and the name "
                "of a query parameter."
            ),
            "code": _text("A stable name for the mistake. New codes may be added."),
            "detail": _text("What is wrong, and what to send instead."),
        },
    },
    "Problem": {
        "type": "object",
        "description": "An error (RFC 9457). Some codes have further members with figures.",
        "required": ["type", "title", "status", "detail", "code", "instance"],
        "properties": {
            "type": _text("The URL of the documentation of the code.", format="uri-reference"),
            "title": _text("The code in words."),
            "status": _integer("The status of the response.", minimum=400, maximum=599),
            "detail": _text("What happened and what to do about it."),
            "code": {"$ref": "#/components/schemas/ErrorCode"},
            "instance": _text("The path of the request."),
            "errors": {
                "type": "array",
                "description": "With `validation_failed`: every mistake that was found.",
                "items": {"$ref": "#/components/schemas/FieldError"},
            },
            **dict(_figures()),
        },
        "additionalProperties": True,
    },
}


def _header(description: str, example: Any, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": schema or {"type": "string"}, "example": example}


HEADERS: dict[str, Any] = {
    "Content-Disposition": _header(
        "With `text/csv`: the name of the file.",
        f'attachment; filename="statement-{ACCOUNT_ID}.csv"',
    ),
    "Idempotent-Replayed": _header(
        "Present if the response is the stored response to an earlier request with the same key.",
        "true",
        type="string",
        enum=["true"],
    ),
    "Location": {
        **_header("The URL of what was created.", f"/transfers/{TRANSFER_ID}"),
        "required": True,
    },
    "Retry-After": _header("Seconds to wait before the next try.", 1, type="integer", minimum=1),
    **{
        name: _header("How to authenticate.", value)
        for name, value in NotAuthenticated.headers.items()
    },
    "X-Request-ID": {
        **_header(
            "Identifies the request in the logs: the client's own id, or else a new one.",
            "5f0f7c3a-6f6e-4a57-9b0b-5a1c2d3e4f50",
            type="string",
            pattern=f"^{REQUEST_ID.pattern}$",
        ),
        "required": True,
    },
}


def reference(kind: str, name: str) -> dict[str, str]:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def headers(names: Iterable[str]) -> dict[str, Any]:
    """Return references to the headers with these names."""
    return {name: reference("headers", name) for name in names}


def error_response(examples: Mapping[str, Any], *, replayed: bool = False) -> dict[str, Any]:
    """
    Return the response for errors that have the same status.

    :param examples: an example of each error, by code.
    :param replayed: whether the response may be replayed from a stored one.
    """
    errors = [ERRORS[code] for code in examples]
    names = {"X-Request-ID"}
    if replayed:
        names.add("Idempotent-Replayed")
    if any("WWW-Authenticate" in error.headers for error in errors):
        names.add("WWW-Authenticate")
    if any(error.retry_after for error in errors):
        names.add("Retry-After")
    problem = {"schema": reference("schemas", "Problem"), "examples": dict(examples)}
    return {
        "description": " · ".join(f"`{code}`" for code in examples),
        "headers": headers(sorted(names)),
        "content": {MEDIA_TYPE: problem},
    }
