"""The OpenAPI document is complete. ``test_generate.py`` compares it with the committed file."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from jsonschema import Draft202012Validator

from accounts.examples import ACCOUNT_ID
from api.parsers import strict_json
from api.problems import MEDIA_TYPE
from api.scopes import Scope
from ledger_project import urls
from ledger_project.idempotency.keys import read_key
from ledger_project.openapi.autoschema import FilterExtension
from ledger_project.openapi.components import KEY_SCHEMA
from ledger_project.openapi.errors import ERRORS

pytestmark = pytest.mark.one_database

DOCUMENT: dict[str, Any] = strict_json(
    OpenApiJsonRenderer().render(SchemaGenerator().get_schema(public=True), renderer_context={})
)
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
# Pages for people, which aren't operations of the API.
PAGES = {"/openapi.json", "/docs", "/admin/", "/"}


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the document with a reference resolved."""
    while "$ref" in part:
        _, kind, name = part["$ref"].removeprefix("#/").split("/")
        part = DOCUMENT["components"][kind][name]
    return part


BODIES = {
    name: resolved(each["requestBody"])
    for name, each in OPERATIONS.items()
    if "requestBody" in each
}


def parameters_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [resolved(parameter) for parameter in operation.get("parameters", [])]


def media_types(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each request and response body of an operation, with its media type."""
    yield from resolved(operation.get("requestBody", {})).get("content", {}).items()
    for response in operation["responses"].values():
        yield from resolved(response).get("content", {}).items()


def codes(operation: dict[str, Any]) -> set[str]:
    """Return the codes of the errors that an operation declares."""
    bodies = (body for kind, body in media_types(operation) if kind == "application/problem+json")
    return {code for body in bodies for code in body["examples"]}


def test_every_route_of_the_api_is_described():
    routes = {re.sub("<[a-z]+:(.+?)>", r"{\1}", f"/{route.pattern}") for route in urls.urlpatterns}

    assert set(DOCUMENT["paths"]) == routes - PAGES


def test_every_operation_has_a_unique_id():
    ids = [operation["operationId"] for operation in OPERATIONS.values()]

    assert len(set(ids)) == len(ids) == len(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_a_summary_and_one_of_the_declared_tags(name):
    operation = OPERATIONS[name]

    declared = [tag["name"] for tag in DOCUMENT["tags"] if tag["name"] in operation["tags"]]
    assert operation["summary"] != ""
    assert operation["tags"] == declared
    assert len(declared) == 1


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_body_has_examples_that_match_its_schema(name):
    for kind, body in media_types(OPERATIONS[name]):
        validator = Draft202012Validator({**DOCUMENT, **body["schema"]})
        problems = [
            f"{kind} {title}: {error.message}"
            for title, example in body["examples"].items()
            for error in validator.iter_errors(resolved(example)["value"])
        ]

        assert body["examples"] != {}
        assert problems == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_idempotency_key_is_declared_exactly_where_it_is_required(name, api):
    method, path = name.split()
    declared = [
        parameter["required"]
        for parameter in parameters_of(OPERATIONS[name])
        if (parameter["in"], parameter["name"]) == ("header", "Idempotency-Key")
    ]

    # Unlike `post` and `patch` of this client, `generic` adds no key.
    response = api.generic(method, re.sub(r"{\w+_id}", ACCOUNT_ID, path))

    is_problem = response.headers["Content-Type"] == MEDIA_TYPE
    is_required = is_problem and response.json()["code"] == "idempotency_key_missing"
    assert declared == [True] * is_required


@pytest.mark.parametrize("name", BODIES)
def test_no_request_body_accepts_additional_members(name):
    schema = resolved(BODIES[name]["content"]["application/json"]["schema"])

    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    "key",
    [
        *("a", "a" * 255, "!~", "", "a" * 256, "a b", "a,b", "\x7f", "é"),
        *('"', '"quoted"', '""', '"""', '""a""', '"a"b"', r'"a\"b"', r'"a\b"', 'a"b', '"a', 'a"'),
        *(f'"{"a" * 255}"', f'"{"a" * 256}"'),
    ],
)
def test_the_pattern_of_the_key_matches_exactly_the_valid_keys(key):
    matches = bool(re.search(KEY_SCHEMA["pattern"], key)) and len(key) <= KEY_SCHEMA["maxLength"]

    assert matches == (read_key(key) is not None)


def test_every_error_is_declared_by_an_operation():
    declared = {code for operation in OPERATIONS.values() for code in codes(operation)}

    # The exceptions aren't errors of an operation: an unknown host, and a method that a route
    # doesn't have.
    assert declared == set(ERRORS) - {"invalid_host", "method_not_allowed"}


def test_exactly_these_operations_need_no_token():
    public = {name for name, operation in OPERATIONS.items() if operation["security"] == []}

    assert public == {
        "POST /auth/token",
        "POST /auth/token/refresh",
        "POST /auth/logout",
        "GET /healthz",
        "GET /metrics",
        "GET /readyz",
    }


def test_every_other_operation_needs_a_bearer_token_or_a_service_key_with_its_scope():
    schemes = DOCUMENT["components"]["securitySchemes"]
    scopes = {}
    for name, operation in OPERATIONS.items():
        if operation["security"]:
            bearer, *keys = operation["security"]
            assert bearer == {"bearer": []}
            scopes[name] = [scope for key in keys for scope in key["serviceKey"]]

    assert scopes["GET /accounts"] == ["accounts:read"]
    assert scopes["POST /transfers/batch"] == ["transfers:write"]
    assert {name for name, needed in scopes.items() if not needed} == {
        "POST /service-keys",
        "GET /service-keys",
        "GET /service-keys/{client_id}",
        "POST /service-keys/{client_id}/revoke",
        "POST /approvals/{approval_id}/approve",
        "POST /approvals/{approval_id}/decline",
        "POST /approvals/{approval_id}/withdraw",
    }
    assert schemes["bearer"]["scheme"] == "bearer"
    grant = schemes["serviceKey"]["flows"]["clientCredentials"]
    assert (grant["tokenUrl"], list(grant["scopes"])) == ("/auth/token", [*Scope])


def test_the_document_is_built_without_looking_for_libraries(monkeypatch):
    searched = []
    monkeypatch.setattr("ctypes.util.find_library", searched.append)
    monkeypatch.delattr(FilterExtension.__base__, "_has_gis", raising=False)

    SchemaGenerator().get_schema(public=True)

    assert searched == []
