"""Adapt the OpenAPI document so that clients generated from it work."""

from collections.abc import Iterator
from typing import Any

from ledger_project.openapi.components import reference

INT32_MAX = 2**31 - 1
# Schemas that add members to another one.
EXTENDED = {
    "CashAnswer": "Account",
    "NewServiceKey": "ServiceKey",
    "TransferAnswer": "Transfer",
    "WebhookWithSecret": "Webhook",
}


def suit_generators(result: dict[str, Any]) -> None:
    """Adapt the finished document to client generators (docs/decisions/0028)."""
    schemas = result["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith("Request"):
            for member in schema["properties"].values():
                # Generators for TypeScript make a member with a default required. The
                # description states the default instead.
                member.pop("default", None)
    # Users without access to the account only see its id.
    schemas["TransferSide"]["required"] = ["id"]
    for name, base in EXTENDED.items():
        _extend(schemas[name], base, schemas[base])
    for part in _objects(result):
        # No schema of a request has read-only members.
        part.pop("readOnly", None)
        if part.keys() == {"allOf"} and len(part["allOf"]) == 1:
            part |= part.pop("allOf")[0]
        # Generators for Java, Go and C# use 32 bits for an integer without a format.
        if _is_integer(part) and part.get("maximum", INT32_MAX + 1) > INT32_MAX:
            part["format"] = "int64"


def _extend(schema: dict[str, Any], name: str, base: dict[str, Any]) -> None:
    """Let a schema refer to ``base``, which has this name, instead of repeating its members."""
    members, required = schema.pop("properties"), schema.pop("required")
    assert members.items() >= base["properties"].items()
    assert {*required} >= {*base["required"]}
    added = {
        "type": schema.pop("type"),
        "properties": {key: members[key] for key in members if key not in base["properties"]},
        "required": [key for key in required if key not in base["required"]],
    }
    schema["allOf"] = [reference("schemas", name), added]


def _is_integer(part: dict[str, Any]) -> bool:
    return part.get("type") == "integer" or part.get("type") == ["integer", "null"]


def _objects(part: Any, holder: str = "") -> Iterator[dict[str, Any]]:
    """Yield every object of the document except those in examples."""
    if isinstance(part, dict):
        yield part
        for name, member in part.items():
            # A schema may have a member that is named "example" or "examples".
            if name not in ("example", "examples") or holder == "properties":
                yield from _objects(member, name)
    elif isinstance(part, list):
        for item in part:
            yield from _objects(item)
