"""
The description of one operation in the OpenAPI document, from its view and its ``Operation``.

This module derives from the code: the Idempotency-Key header, security, the errors that all
operations of a kind share, and the limits of strings.
"""

from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

import uritemplate
from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from drf_spectacular.drainage import error
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse
from rest_framework.permissions import SAFE_METHODS

from api import exceptions as wire
from api.errors import ApiError
from api.fields import EmptySerializer, StrictCharField
from api.operations import Operation
from api.parsers import StrictJSONParser
from api.problems import Problem
from api.scopes import ONLY_PEOPLE, InsufficientScope, PersonRequired
from api.viewset import LedgerViewSet
from ledger_project.idempotency import exceptions as keys
from ledger_project.idempotency.views import EXAMPLE_KEY
from ledger_project.openapi.components import error_response, headers, reference
from ledger_project.openapi.errors import ERRORS, UNKNOWN_FIELD, UNKNOWN_PARAMETER
from ledger_project.openapi.words import PATH_PARAMETERS

# Text that PostgreSQL can store.
NO_NUL = r"^[^\u0000]*$"
# The same, with at least one character that isn't whitespace.
NOT_BLANK = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"

KEY_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    reference("schemas", "Key"),
    OpenApiParameter.HEADER,
    required=True,
    description="A new key for each operation; the same key for each retry.",
    # Swagger UI (docs.js) sends another one each time, because a key can be used only once.
    examples=[OpenApiExample("A UUID", "0b1c5d3e-92a7-4f68-8d40-7c6e1f2a3b59")],
)


class FilterExtension(DjangoFilterExtension):
    """Describe filters without looking for GDAL, which would start 24 processes."""

    priority = 1

    @classmethod
    def _is_gis(cls, _: Any) -> bool:
        return False


class LedgerAutoSchema(AutoSchema):
    """Describe an operation by the ``Operation`` that decorates its view, and by the view."""

    @cached_property
    def operation(self) -> Operation:
        name = getattr(self.view, "action", None) or self.method.lower()
        return getattr(self.view, name).operation

    @property
    def needs_key(self) -> bool:
        # The same condition as in the idempotency middleware.
        exempt = getattr(self.view, "idempotency_exempt", False)
        return self.method not in SAFE_METHODS and not exempt

    def is_excluded(self) -> bool:
        try:
            return not self.operation
        except AttributeError:
            error(f"{self.method} {self.path} isn't described: decorate its view with Operation.")
            return True

    def get_operation_id(self) -> str:
        return self.operation.id

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]  # its own methods return str too
        return self.operation.text

    def get_tags(self) -> list[str]:
        return [self.operation.tag]

    def get_request_serializer(self) -> Any:
        request = self.operation.request
        if request is None:
            return None
        shape = reference("schemas", "EmptyRequest") if request is EmptySerializer else request
        # Always JSON. The token route's form is described by the security scheme instead.
        body = OpenApiRequest(shape, examples=_examples(self.operation.requests))
        return {StrictJSONParser.media_type: body}

    def get_response_serializers(self) -> Any:
        operation = self.operation
        answers = {(operation.status, "application/json"): operation.answers, **operation.also}
        return {
            (status, media_type): OpenApiResponse(
                operation.shapes.get(status, operation.response)
                if media_type == "application/json"
                else str,
                HTTPStatus(status).phrase,
                _examples(examples),
            )
            for (status, media_type), examples in answers.items()
        }

    def get_override_parameters(self) -> list:
        return [*self.operation.parameters, *([KEY_PARAMETER] if self.needs_key else [])]

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        super()._insert_field_validators(field, schema)
        if isinstance(field, StrictCharField):
            trimmed = field.trim_whitespace and not field.allow_blank
            schema["pattern"] = NOT_BLANK if trimmed else NO_NUL

    def _is_list_view(self, serializer: Any = None) -> bool:
        # Our serializers of pages already are lists. The action only decides on paging and filters.
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
        for answered, response in responses.items():
            response["headers"] = headers(self._headers_of(int(answered), response))
        codes = self._codes()
        for status in sorted({ERRORS[code].status for code in codes}):
            named = [code for code in ERRORS if code in codes and ERRORS[code].status == status]
            # Responses with these statuses are stored under the key and replayed.
            stored = self.needs_key and status in (404, 409)
            refused = error_response(self._errors(named), replayed=stored)
            refused["content"] |= responses.get(str(status), {}).get("content", {})
            responses[str(status)] = refused
        return responses

    def _headers_of(self, status: int, response: dict[str, Any]) -> list[str]:
        """Return the names of the headers of a successful response."""
        names = {"X-Request-ID"}
        if self.needs_key:
            names.add("Idempotent-Replayed")
        if "text/csv" in response.get("content", ()):
            names.add("Content-Disposition")
        # A created resource has a URL if it has an id. A batch has no id.
        created = status == 201 and all("id" in each for each in self.operation.answers.values())
        if created or status in self.operation.shapes:
            names.add("Location")
        return sorted(names)

    def _errors(self, codes: list[str]) -> dict[str, Any]:
        """Return an example of each error by code: shared, unless the operation has its own."""
        # The path with the ids that Swagger UI fills in.
        ids = {name: self.operation.tried_on or each for name, (_, each) in PATH_PARAMETERS.items()}
        path = self.path.format(**ids, key=EXAMPLE_KEY)
        examples = {}
        for code in codes:
            name, error = self._error(code)
            document: dict[str, Any] = {"value": Problem(error).body(path)}
            if code in self.operation.evidence:
                document["value"] |= self.operation.evidence[code]
                examples[code] = document
            else:
                examples[code] = self._shared_example(name, document)
        return examples

    def _shared_example(self, name: str, document: dict[str, Any]) -> dict[str, Any]:
        """Return a reference to a shared example. The first operation that has it defines it."""
        component = ResolvedComponent(name, ResolvedComponent.EXAMPLE, document, document)
        self.registry.register_on_missing(component)
        return component.ref

    def _error(self, code: str) -> tuple[str, ApiError]:
        """Return the name of an error's example, and the error as this operation raises it."""
        request = self.operation.request
        if code != "validation_failed" or (request and "amount" in request().fields):
            return code, ERRORS[code]
        if request:
            return "unknown_field", UNKNOWN_FIELD
        return "unknown_parameter", UNKNOWN_PARAMETER

    def _codes(self) -> set[str]:
        """Return the code of every error that the operation can return."""
        view, request = self.view, self.operation.request
        errors: set[type[ApiError]] = {*self.operation.errors, *wire.OF_ALL}
        if view.authentication_classes:
            errors.update(wire.OF_USERS)
            only_people = self.operation.scope == ONLY_PEOPLE
            errors.add(PersonRequired if only_people else InsufficientScope)
        if self.needs_key:
            errors.update(keys.OF_KEYS)
        if request:
            errors.update(wire.OF_BODIES)
        if request or isinstance(view, LedgerViewSet):
            errors.add(wire.ValidationFailed)
        if self._is_list_view():
            errors.add(wire.InvalidCursor)
        if PATH_PARAMETERS.keys() & set(uritemplate.variables(self.path)):
            errors.add(wire.NotFound)
        if view.throttle_classes:
            errors.add(wire.Throttled)
        return {error.code for error in errors}


def _examples(values: Mapping[str, Any]) -> list[OpenApiExample]:
    return [OpenApiExample(title, value) for title, value in values.items()]
