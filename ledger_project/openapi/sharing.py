"""Move what several operations of the OpenAPI document have in common into the components."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from api.exceptions import OF_ALL, OF_BODIES, OF_USERS, InternalError
from ledger_project.idempotency.exceptions import OF_KEYS
from ledger_project.openapi.components import error_response, reference
from ledger_project.openapi.errors import ERRORS
from ledger_project.openapi.titles import name_examples_by_title, share_examples

# The shared response for errors that don't depend on what an operation does, and their codes. The
# other errors of a body have the status 400, which has errors of the operations too.
ANY_OPERATION = "any_operation"
OF_ALL_CODES = [code for code, error in ERRORS.items() if isinstance(error, OF_ALL)]
OF_BODY_CODES = [
    code for code, error in ERRORS.items() if isinstance(error, OF_BODIES) and error.status != 400
]
# What stands in the name of a shared response for errors that always come together.
GROUPS = {"key": OF_KEYS, "token": OF_USERS, "body": OF_BODIES}


def share(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Replace what is shared by references: the last postprocessing hook of drf-spectacular."""
    components = result["components"]
    name_examples_by_title(operations_of(result))
    share_examples(operations_of(result), components["examples"])
    _share_errors_of_any_operation(result)
    components["responses"] |= _share_responses(result)
    components["requestBodies"] = _share_bodies(result)
    components["parameters"] = _share_parameters(result)
    return result


def operations_of(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each operation of a document, with the messages that webhooks receive."""
    for path_item in [*result["paths"].values(), *result.get("webhooks", {}).values()]:
        yield from path_item.values()


def _share_errors_of_any_operation(result: dict[str, Any]) -> None:
    """Let ``default`` stand for the errors that any operation can return."""
    for operation in operations_of(result):
        responses = operation["responses"]
        names = {status: _name_of(response) for status, response in responses.items()}
        # The probes don't have it. Their 503 is a result of their own.
        if InternalError.code in names.values():
            for status, name in names.items():
                if name in OF_ALL_CODES + OF_BODY_CODES:
                    del responses[status]
            responses["default"] = reference("responses", ANY_OPERATION)
    examples = {code: reference("examples", code) for code in OF_ALL_CODES + OF_BODY_CODES}
    result["components"]["responses"][ANY_OPERATION] = {
        **error_response(examples),
        "description": f"What any operation can return: {_with_statuses(OF_ALL_CODES)}. "
        f"If it has a body, also {_with_statuses(OF_BODY_CODES)}.",
    }


def _with_statuses(codes: list[str]) -> str:
    return " · ".join(f"{ERRORS[code].status} `{code}`" for code in codes)


def _share_responses(result: dict[str, Any]) -> dict[str, Any]:
    """Return the responses that more than one operation has, by name."""
    uses = defaultdict(list)
    for operation in operations_of(result):
        for status, response in operation["responses"].items():
            if name := _name_of(response):
                uses[name].append((operation["responses"], status))
    shared: dict[str, Any] = {}
    for name, places in sorted(uses.items()):
        if len(places) > 1:
            for responses, status in places:
                if shared.setdefault(name, responses[status]) == responses[status]:
                    responses[status] = reference("responses", name)
    return shared


def _name_of(response: dict[str, Any]) -> str:
    """
    Return the name of a response, or "" if it has examples of its own.

    The name consists of those of its examples, which for errors are the codes, and of "replayable"
    if it may be replayed. The errors of a group have the name of the group.
    """
    contents = response.get("content", {}).values()
    examples = [each for content in contents for each in content["examples"].values()]
    if not examples or not all("$ref" in example for example in examples):
        return ""
    names = [example["$ref"].rpartition("/")[2] for example in examples]
    for group, errors in GROUPS.items():
        of_group = [name for name in names if isinstance(ERRORS.get(name), errors)]
        if len(of_group) > 1:
            names = [group, *(name for name in names if name not in of_group)]
    if "Idempotent-Replayed" in response["headers"]:
        names.append("replayable")
    return "-".join(names)


def _share_bodies(result: dict[str, Any]) -> dict[str, Any]:
    """Return the request bodies that more than one operation has, by the name of their schema."""
    holders = [each for each in operations_of(result) if "requestBody" in each]
    uses = Counter(repr(holder["requestBody"]) for holder in holders)
    shared: dict[str, Any] = {}
    for holder in holders:
        body = holder["requestBody"]
        name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        if uses[repr(body)] > 1 and shared.setdefault(name, body) == body:
            holder["requestBody"] = reference("requestBodies", name)
    return shared


def _share_parameters(result: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that more than one operation has in the same form, by name."""
    lists = [operation.get("parameters", []) for operation in operations_of(result)]
    uses = Counter(repr(parameter) for parameters in lists for parameter in parameters)
    shared: dict[str, Any] = {}
    for parameters in lists:
        for place, parameter in enumerate(parameters):
            name = parameter["name"]
            if uses[repr(parameter)] > 1 and shared.setdefault(name, parameter) == parameter:
                parameters[place] = reference("parameters", name)
    return shared
