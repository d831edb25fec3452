"""
The OpenAPI document: what the tables of operations say, and what follows from the code itself.

Derived here: the Idempotency-Key where the middleware demands it, security, the errors that every
route of a kind has, and the strictness of request bodies.
"""

import uuid
from collections.abc import Mapping
from copy import deepcopy
from functools import cached_property
from typing import Any

import uritemplate
from drf_spectacular.drainage import error
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse
from rest_framework.permissions import SAFE_METHODS

from api.fields import EmptySerializer, StrictCharField
from api.operations import Operation
from api.problems import Problem
from api.viewset import LedgerViewSet
from ledger_project.openapi.description import (
    PATH_PARAMETERS,
    PLAIN_VIEWS,
    TAGS,
    components,
    description,
    error_response,
    header,
)
from ledger_project.openapi.errors import ERRORS, UNKNOWN_FIELD, UNKNOWN_PARAMETER
from ledger_project.openapi.generators import suit_generators
from ledger_project.openapi.operations import EXAMPLE_KEY, OPERATIONS
from ledger_project.openapi.sharing import operations_of, share
from ledger_project.openapi.words import MEMBERS, VALUES, meaning
from transfers.schema import ONLY_HOLDS_EXPIRE

# Text that PostgreSQL can store.
NO_NUL = r"^[^\u0000]*$"
# The same, not blank once it is trimmed.
NOT_BLANK = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"

EMPTY_BODY = {
    "type": "object",
    "additionalProperties": False,
    "maxProperties": 0,
    "description": EmptySerializer.__doc__,
}


class LedgerAutoSchema(AutoSchema):
    """Describe an operation by its entry in ``OPERATIONS`` and by its view."""

    @cached_property
    def operation(self) -> Operation:
        name = getattr(self.view, "action", None) or self.method.lower()
        return OPERATIONS[type(self.view)][name]

    @property
    def needs_key(self) -> bool:
        # The same two facts that the idempotency middleware asks for.
        exempt = getattr(self.view, "idempotency_exempt", False)
        return self.method not in SAFE_METHODS and not exempt

    def is_excluded(self) -> bool:
        if type(self.view) in OPERATIONS:
            return False
        error(f"{type(self.view).__name__} has no entry in ledger_project.openapi.operations.")
        return True

    def get_operation_id(self) -> str:
        return self.operation.id

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        operation = self.operation
        return f"{operation.description}\n\n**Who:** {operation.who}".strip()

    def get_tags(self) -> list[str]:
        return [self.operation.tag]

    def get_request_serializer(self) -> Any:
        request = self.operation.request
        if request is None:
            return None
        shape = EMPTY_BODY if request is EmptySerializer else request
        return OpenApiRequest(shape, examples=_examples(self.operation.requests))

    def get_response_serializers(self) -> Any:
        operation = self.operation
        answers = _examples(operation.answers)
        responses: dict[Any, Any] = {
            (operation.status, "application/json"): OpenApiResponse(
                operation.response, operation.summary, answers
            )
        }
        for status, others in operation.also.items():
            responses[status, "application/json"] = OpenApiResponse(
                operation.response, examples=_examples(others)
            )
        if operation.csv:
            rows = [OpenApiExample("csv", operation.csv)]
            responses[operation.status, "text/csv"] = OpenApiResponse(str, operation.summary, rows)
        return responses

    def get_override_parameters(self) -> list:
        parameters: list[Any] = list(self.operation.parameters)
        if self.needs_key:
            parameters.append(self._key_parameter())
        return parameters

    def _key_parameter(self) -> OpenApiParameter:
        # One for each example of a body, so that none replays or collides with another's.
        keys = {
            title: str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.operation.id} {title}"))
            for title in self.operation.requests
        }
        return OpenApiParameter(
            "Idempotency-Key",
            {"$ref": "#/components/schemas/Key"},
            OpenApiParameter.HEADER,
            required=True,
            description="New for each operation, the same for each retry of it. An example of a "
            "body goes with the key of the same name. If you change the body, change the key too: "
            "any text that you haven't used will do.",
            examples=_examples(keys),
        )

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        super()._insert_field_validators(field, schema)
        if isinstance(field, StrictCharField):
            trimmed = field.trim_whitespace and not field.allow_blank
            schema["pattern"] = NOT_BLANK if trimmed else NO_NUL

    def _is_list_view(self, serializer: Any = None) -> bool:
        # Pages are serializers of their own here; only paging and filters follow from the action.
        return serializer is None and getattr(self.view, "action", None) == "list"

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict]:
        parameters = super()._resolve_path_parameters(variables)
        for parameter in parameters:
            parameter["description"], example = PATH_PARAMETERS[parameter["name"]]
            parameter["example"] = self.operation.tried_on or example
        return parameters

    def _get_filter_parameters(self) -> list[dict]:
        parameters = super()._get_filter_parameters()
        for parameter in parameters:
            if parameter["schema"] == {"type": "string"}:
                parameter["schema"] |= {"minLength": 1, "pattern": NOT_BLANK}
        return parameters

    def _get_response_bodies(self, direction: Any = "response") -> dict:
        responses = super()._get_response_bodies(direction)
        headers = self._success_headers()
        if headers:
            responses[str(self.operation.status)]["headers"] = headers
        codes = self._codes()
        for status in sorted({ERRORS[code].status for code in codes}):
            named = [code for code in ERRORS if code in codes and ERRORS[code].status == status]
            replayed = self._replay_headers() if status in (404, 409) else {}
            refused = error_response(self._errors(named), **replayed)
            refused["content"] |= responses.get(str(status), {}).get("content", {})
            responses[str(status)] = refused
        return responses

    def _errors(self, codes: list[str]) -> dict[str, Any]:
        """Return an example of each error, by its code: shared, unless it has more to show here."""
        # The path with what Swagger UI fills in.
        ids = {name: self.operation.tried_on or each for name, (_, each) in PATH_PARAMETERS.items()}
        path = self.path.format(**ids, key=EXAMPLE_KEY)
        examples = {}
        for code in codes:
            name, error = self._error(code)
            document = {"summary": error.title, "value": error.body(path)}
            if code in self.operation.evidence:
                document["value"] |= self.operation.evidence[code]
                examples[code] = document
            else:
                examples[code] = self._shared_example(name, document)
        return examples

    def _shared_example(self, name: str, document: dict[str, Any]) -> dict[str, Any]:
        """Return a reference to an example, which is that of the first operation to have it."""
        component = ResolvedComponent(name, ResolvedComponent.EXAMPLE, document, document)
        self.registry.register_on_missing(component)
        return component.ref

    def _error(self, code: str) -> tuple[str, Problem]:
        """Return an error as this operation answers with it, and the name of its example."""
        request = self.operation.request
        if code != "validation_failed" or (request and "amount" in request().fields):
            return code, ERRORS[code]
        if request:
            return "unknown_field", UNKNOWN_FIELD
        return "unknown_parameter", UNKNOWN_PARAMETER

    def _success_headers(self) -> dict[str, Any]:
        if self.operation.csv:
            return {"Content-Disposition": header("Content-Disposition")}
        if not self.operation.location:
            return self._replay_headers()
        location = header("Location")
        return {"Location": location, **self._replay_headers()}

    def _replay_headers(self) -> dict[str, Any]:
        return {"Idempotent-Replayed": header("Idempotent-Replayed")} if self.needs_key else {}

    def _codes(self) -> set[str]:
        """Return the code of every error that the operation can answer with."""
        operation, view = self.operation, self.view
        codes = {refusal.code for refusal in operation.refusals} | set(operation.codes)
        codes |= {"not_acceptable", "internal_error", "temporarily_unavailable"}
        if view.authentication_classes:
            codes |= {"not_authenticated", "token_not_valid"}
        if self.needs_key:
            codes |= {"idempotency_key_missing", "idempotency_key_invalid"}
            codes |= {"idempotency_key_reused", "idempotency_in_progress"}
            codes |= {"idempotency_key_expired", "idempotency_answer_withheld"}
        if operation.request:
            codes |= {"malformed_json", "payload_too_large", "unsupported_media_type"}
            # What the server itself refuses.
            codes |= {"malformed_request", "request_timeout", "length_required"}
        if operation.request or isinstance(view, LedgerViewSet):
            codes.add("validation_failed")
        if self._is_list_view():
            codes.add("invalid_cursor")
        if PATH_PARAMETERS.keys() & set(uritemplate.variables(self.path)):
            codes.add("not_found")
        if view.throttle_classes:
            codes.add("throttled")
        return codes


def place(endpoint: tuple[str, str, str, Any]) -> int:
    """Return where an operation comes: in the order of the tables."""
    _, _, method, callback = endpoint
    name = getattr(callback, "actions", {}).get(method.lower(), method.lower())
    order = [(view, name) for view, table in OPERATIONS.items() for name in table]
    return order.index((callback.cls, name)) if (callback.cls, name) in order else -1


def complete(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """Add to the finished document what belongs to no single view, and close its requests."""
    result["info"]["description"] = description()
    result["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    result["paths"] |= deepcopy(PLAIN_VIEWS)
    for kind, members in components().items():
        result["components"].setdefault(kind, {}).update(members)
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False
    result["components"]["schemas"]["TransferOrderRequest"]["dependentSchemas"] = ONLY_HOLDS_EXPIRE
    _name_enums(result)
    _explain(result["components"]["schemas"])
    suit_generators(result)
    for operation in operations_of(result):
        # Said outright, for those that anybody may use.
        operation.setdefault("security", [])
        for response in operation["responses"].values():
            response.setdefault("headers", {})["X-Request-ID"] = header("X-Request-ID")
    share(result)
    return result


def _explain(schemas: dict[str, Any]) -> None:
    """Say what each value of an enum and each member means, if the serializer doesn't."""
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
    """Let the parameters refer to the enums that the schemas have named, and say what they mean."""
    named = {
        frozenset(schema["enum"]): name
        for name, schema in result["components"]["schemas"].items()
        if "enum" in schema
    }
    for operation in operations_of(result):
        for parameter in operation.get("parameters", ()):
            name = named.get(frozenset(parameter["schema"].get("enum", ())))
            if name:
                parameter["schema"] = {"$ref": f"#/components/schemas/{name}"}
                # Swagger UI doesn't show there what the schema says.
                parameter["description"] = f"{parameter['description']}\n\n{meaning(name)}".strip()


def _examples(values: Mapping[str, Any]) -> list[OpenApiExample]:
    return [OpenApiExample(title, value) for title, value in values.items()]
