"""Complete the OpenAPI document that drf-spectacular generates from the views."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, cast

from django.urls import get_resolver
from drf_spectacular.plumbing import build_parameter_type

from api.operations import Operation
from ledger_project.openapi.components import (
    HEADERS,
    SCHEMAS,
    error_response,
    headers,
    reference,
)
from ledger_project.openapi.errors import ERRORS, table
from ledger_project.openapi.generators import suit_generators
from ledger_project.openapi.sharing import operations_of
from ledger_project.openapi.webhooks import add_webhooks
from ledger_project.openapi.words import INTRODUCTION, MEMBERS, TAGS, VALUES, meaning
from transfers.serializers import ONLY_HOLDS_EXPIRE

# The order of the operations of a path.
METHODS = ("POST", "GET", "PATCH", "DELETE")


def in_order(
    endpoints: list[tuple[str, str, str, Any]], **_: Any
) -> list[tuple[str, str, str, Any]]:
    """
    Order the operations of each path: a preprocessing hook of drf-spectacular.

    Otherwise the order, and with it the document, would differ between processes: the first
    operation that has an error provides its example.

    :param endpoints: path, path as a regular expression, method in upper case, and view
    """
    places = {path: place for place, (path, *_rest) in reversed(list(enumerate(endpoints)))}
    return sorted(endpoints, key=lambda each: (places[each[0]], METHODS.index(each[2])))


def complete(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """
    Add everything that belongs to no single view: a postprocessing hook of drf-spectacular.

    Request bodies are changed to accept no additional members.
    """
    result["info"]["description"] = _introduction()
    result["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    result["paths"] |= dict(_plain_views())
    result["components"]["schemas"] |= SCHEMAS
    result["components"]["headers"] = HEADERS
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False
    result["components"]["schemas"]["TransferOrderRequest"]["dependentSchemas"] = ONLY_HOLDS_EXPIRE
    _name_enums(result)
    _explain(result["components"]["schemas"])
    add_webhooks(result)
    suit_generators(result)
    for operation in operations_of(result):
        # An empty list states explicitly that no token is needed.
        operation.setdefault("security", [])
    return result


def _introduction() -> str:
    """Return the introduction, followed by the table of all errors."""
    # Folded, so that the operations come soon. If a link names a code, docs.js opens the table and
    # finds the row by that code.
    rows = table(anchors=False)
    fold = ["<details><summary>Every error code</summary>", "", rows, "", "</details>"]
    return "\n".join([INTRODUCTION, *fold, ""])


def _plain_views() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the paths of plain Django views, which drf-spectacular ignores."""
    for route in cast(list[Any], get_resolver().url_patterns):
        if hasattr(route.callback, "operation"):
            yield f"/{route.pattern}", {"get": _plain(route.callback.operation)}


def _plain(operation: Operation) -> dict[str, Any]:
    answers = {(200, "application/json"): operation.answers, **operation.also}
    content = {
        media_type: {
            "schema": operation.response or {"type": "string"},
            "examples": {title: {"value": value} for title, value in examples.items()},
        }
        for (_, media_type), examples in answers.items()
        if examples
    }
    success = {
        "description": HTTPStatus.OK.phrase,
        "headers": headers(["X-Request-ID"]),
        "content": content,
    }
    responses = {"200": success}
    names = {error.code: error.code for error in operation.errors} | {
        "validation_failed": "unknown_parameter"
    }
    for code, name in names.items():
        responses[str(ERRORS[code].status)] = error_response({code: reference("examples", name)})
    parameters = [
        build_parameter_type(
            name=each.name,
            schema={"type": "string"},
            location=each.location,
            description=each.description,
            enum=each.enum,
        )
        for each in operation.parameters
    ]
    return {
        "operationId": operation.id,
        "description": operation.text,
        "summary": operation.summary,
        "tags": [operation.tag],
        **({"parameters": parameters} if parameters else {}),
        "security": [],
        "responses": dict(sorted(responses.items())),
    }


def _explain(schemas: dict[str, Any]) -> None:
    """Describe each enum, and each member that its serializer doesn't describe."""
    for name in VALUES:
        schemas[name]["description"] = meaning(name)
    for name in ("Currency", "Metadata"):
        schemas[name]["description"] = MEMBERS[name.lower()]
    for schema in schemas.values():
        for name, member in schema.get("properties", {}).items():
            refers = "$ref" in member or "allOf" in member
            if name in MEMBERS and not refers:
                member.setdefault("description", MEMBERS[name])


def _name_enums(result: dict[str, Any]) -> None:
    """Replace the enums of parameters by references to the schemas, which describe the values."""
    named = {
        frozenset(schema["enum"]): name
        for name, schema in result["components"]["schemas"].items()
        if "enum" in schema
    }
    for operation in operations_of(result):
        for parameter in operation.get("parameters", ()):
            name = named.get(frozenset(parameter["schema"].get("enum", ())))
            if name:
                parameter["schema"] = reference("schemas", name)
