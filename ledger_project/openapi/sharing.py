"""Move responses and parameters that several operations share into the components."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from api.problems import MEDIA_TYPE
from ledger_project.idempotency.exceptions import OF_KEYS

CODES_OF_KEYS = {error.code for error in OF_KEYS}


def share(result: dict[str, Any]) -> None:
    """Replace shared responses and parameters in the finished document by references."""
    components = result["components"]
    components["responses"] = components.get("responses", {}) | _share_responses(result)
    components["parameters"] = _share_parameters(result)


def operations_of(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each operation of a document, with the messages that webhooks receive."""
    for path_item in [*result["paths"].values(), *result.get("webhooks", {}).values()]:
        yield from path_item.values()


def _share_responses(result: dict[str, Any]) -> dict[str, Any]:
    """Return the error responses that more than one operation has, by name."""
    uses = defaultdict(list)
    for operation in operations_of(result):
        for status, response in operation["responses"].items():
            if name := _name_of(response):
                uses[name].append((operation["responses"], status))
    shared: dict[str, Any] = {}
    for name, places in sorted(uses.items()):
        if len(places) > 1:
            for responses, status in places:
                assert shared.setdefault(name, responses[status]) == responses[status]
                responses[status] = {"$ref": f"#/components/responses/{name}"}
    return shared


def _name_of(response: dict[str, Any]) -> str:
    """
    Return the name of an error response, or "" if it has examples of its own.

    The name consists of its codes, and of "replayable" if it may be replayed. "key" stands for the
    errors that all operations with an Idempotency-Key have in common.
    """
    if list(response.get("content", ())) != [MEDIA_TYPE]:
        return ""
    examples = response["content"][MEDIA_TYPE]["examples"].values()
    if not all("$ref" in example for example in examples):
        return ""
    names = [example["$ref"].rpartition("/")[2] for example in examples]
    if of_key := [name for name in names if name in CODES_OF_KEYS]:
        names = ["key", *(name for name in names if name not in of_key)]
    if "Idempotent-Replayed" in response["headers"]:
        names.append("replayable")
    return "-".join(names)


def _share_parameters(result: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that more than one operation has in the same form, by name."""
    lists = [operation.get("parameters", []) for operation in operations_of(result)]
    uses = Counter(repr(parameter) for parameters in lists for parameter in parameters)
    shared: dict[str, Any] = {}
    for parameters in lists:
        for place, parameter in enumerate(parameters):
            name = parameter["name"]
            if uses[repr(parameter)] > 1 and shared.setdefault(name, parameter) == parameter:
                parameters[place] = {"$ref": f"#/components/parameters/{name}"}
    return shared
