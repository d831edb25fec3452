"""What several operations have in common is in the components, and each operation refers to it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from api.problems import MEDIA_TYPE


def share(result: dict[str, Any]) -> None:
    """Let the operations of the finished document refer to what they have in common."""
    components = result["components"]
    components["responses"] = _share_responses(result)
    components["parameters"] = _share_parameters(result)


def operations_of(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return each operation of a document."""
    for path_item in result["paths"].values():
        yield from path_item.values()


def _share_responses(result: dict[str, Any]) -> dict[str, Any]:
    """Return the responses that more than one operation gives, if they have errors alone."""
    uses = defaultdict(list)
    for operation in operations_of(result):
        for status, response in operation["responses"].items():
            if name := _name_of(response):
                uses[name].append((operation["responses"], status))
    shared = {}
    for name, places in sorted(uses.items()):
        if len(places) > 1:
            for responses, status in places:
                shared[name] = responses[status]
                responses[status] = {"$ref": f"#/components/responses/{name}"}
    return shared


def _name_of(response: dict[str, Any]) -> str:
    """Return what names a response: its errors, and whether it may be a replay of one."""
    if list(response.get("content", ())) != [MEDIA_TYPE]:
        return ""
    examples = response["content"][MEDIA_TYPE]["examples"].values()
    if not all("$ref" in example for example in examples):
        return ""
    names = [example["$ref"].rpartition("/")[2] for example in examples]
    if "Idempotent-Replayed" in response["headers"]:
        names.append("replayable")
    return "-".join(names)


def _share_parameters(result: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that more than one operation has in the same form, by their names."""
    lists = [operation.get("parameters", []) for operation in operations_of(result)]
    uses = Counter(repr(parameter) for parameters in lists for parameter in parameters)
    shared: dict[str, Any] = {}
    for parameters in lists:
        for place, parameter in enumerate(parameters):
            name = parameter["name"]
            if uses[repr(parameter)] > 1 and shared.setdefault(name, parameter) == parameter:
                parameters[place] = {"$ref": f"#/components/parameters/{name}"}
    return shared
