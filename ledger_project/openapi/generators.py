"""What the OpenAPI document needs so that the clients generated from it work."""

from collections.abc import Iterator
from typing import Any

INT32_MAX = 2**31 - 1


def suit_generators(result: dict[str, Any]) -> None:
    """Adapt the finished document to how generators read it (docs/decisions/0028)."""
    schemas = result["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith("Request"):
            for member in schema["properties"].values():
                # TypeScript's generators demand a member that has a default. Its description
                # says what the default is.
                member.pop("default", None)
    # What a stranger isn't shown is left out.
    schemas["TransferSide"]["required"] = ["id"]
    for part in _objects(result):
        # What a request may not have isn't in its schema.
        part.pop("readOnly", None)
        if part.keys() == {"allOf"} and len(part["allOf"]) == 1:
            part |= part.pop("allOf")[0]
        # Java, Go and C# read an integer without a format as one of 32 bits: 21 million dollars.
        if _is_integer(part) and part.get("maximum", INT32_MAX + 1) > INT32_MAX:
            part["format"] = "int64"


def _is_integer(part: dict[str, Any]) -> bool:
    return part.get("type") == "integer" or part.get("type") == ["integer", "null"]


def _objects(part: Any, holder: str = "") -> Iterator[dict[str, Any]]:
    """Return every object of the document but those in its examples."""
    if isinstance(part, dict):
        yield part
        for name, member in part.items():
            # A member of a schema may have the name, too.
            if name not in ("example", "examples") or holder == "properties":
                yield from _objects(member, name)
    elif isinstance(part, list):
        for item in part:
            yield from _objects(item)
