"""The OpenAPI document describes its members, who may call what, and fitting errors."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ledger_project.openapi.errors import ERRORS
from ledger_project.openapi.tests.test_autoschema import (
    DOCUMENT,
    OPERATIONS,
    media_types,
    parameters_of,
    resolved,
)
from ledger_project.openapi.words import MEMBERS, VALUES

pytestmark = pytest.mark.one_database

SCHEMAS = DOCUMENT["components"]["schemas"]


def is_described(part: dict[str, Any]) -> bool:
    """Whether a part, or the component that it refers to, has a description."""
    referred = [part, *part.get("allOf", [])]
    return any(resolved(each).get("description") or each.get("description") for each in referred)


def errors_of(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, body in media_types(operation):
        if kind == "application/problem+json":
            yield from ((code, resolved(each)["value"]) for code, each in body["examples"].items())


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_member_and_every_enum_has_a_description(name):
    schema = SCHEMAS[name]
    members = {
        member: each
        for part in (schema, *schema.get("allOf", []))
        for member, each in part.get("properties", {}).items()
    }

    undescribed = [member for member, each in members.items() if not is_described(each)]
    assert undescribed == []
    assert "enum" not in schema or schema["description"] != ""


def test_each_value_of_an_enum_is_explained():
    assert {name: list(values) for name, values in VALUES.items()} == {
        name: SCHEMAS[name]["enum"] for name in VALUES
    }


def test_every_described_member_is_used():
    used = {member for schema in SCHEMAS.values() for member in schema.get("properties", {})}

    assert set(MEMBERS) - used == set()


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_has_a_description(name):
    parameters = parameters_of(OPERATIONS[name])

    assert [each["name"] for each in parameters if not each.get("description")] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_who_may_call_it(name):
    operation = OPERATIONS[name]

    who = re.findall(r"\*\*Who:\*\* (.+)", operation["description"])

    assert len(who) == 1
    # Staff status alone allows nothing; permissions do.
    assert "staff" not in (who[0] + operation["summary"]).lower()
    for_anyone = who[0].startswith(("anyone, without a token", "requests from"))
    assert for_anyone == (operation["security"] == [])


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_example_of_each_error_is_as_it_is_sent(name):
    for code, document in errors_of(OPERATIONS[name]):
        error = ERRORS[code]

        assert (document["type"], document["title"]) == (f"/docs#{code}", error.title)
        assert (document["status"], document["code"]) == (error.status, code)
        assert set(document) - set(SCHEMAS["Problem"]["properties"]) == set()


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_example_of_a_validation_error_names_a_member_of_the_request(name):
    named = {each["name"] for each in parameters_of(OPERATIONS[name])}
    body = resolved(OPERATIONS[name].get("requestBody", {})).get("content", {})
    schema = body.get("application/json", {}).get("schema", {})
    named |= set(resolved(schema).get("properties", {}))
    documents = dict(errors_of(OPERATIONS[name]))

    for error in documents.get("validation_failed", {}).get("errors", []):
        member = error["pointer"].removeprefix("#/").partition("/")[0]
        assert (member in named) == (error["code"] not in ("unknown_field", "unknown_parameter"))


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_response_has_a_request_id_and_the_headers_of_its_status(name):
    for status, response in OPERATIONS[name]["responses"].items():
        expected = {"X-Request-ID"}
        expected |= {"WWW-Authenticate"} if status == "401" else set()
        expected |= {"Retry-After"} if status in ("429", "503") else set()

        headers = resolved(response)["headers"]
        assert expected <= set(headers)
        for header in map(resolved, headers.values()):
            Draft202012Validator(header["schema"]).validate(header["example"])


def test_exactly_the_used_tags_are_described():
    tags = [tag["name"] for tag in DOCUMENT["tags"]]
    used = list(dict.fromkeys(operation["tags"][0] for operation in OPERATIONS.values()))

    assert sorted(used) == sorted(tags)
    assert all(tag["description"] for tag in DOCUMENT["tags"])


def test_an_error_of_a_batch_names_the_failed_transfer():
    documents = dict(errors_of(OPERATIONS["POST /transfers/batch"]))

    assert documents["insufficient_funds"]["pointer"] == "#/transfers/1"
    assert documents["insufficient_funds"]["index"] == 1
    assert "index" not in documents["idempotency_key_reused"]


# Operations that need a permission for the account of somebody else.
GUARDED = {
    "PATCH /accounts/{account_id}": {"owner_name": "Ann"},
    "POST /accounts/{account_id}/close": {},
    "POST /accounts/{account_id}/freeze": {},
    "POST /accounts/{account_id}/unfreeze": {},
    "POST /accounts/{account_id}/deposit": {"amount": 1},
    "POST /accounts/{account_id}/withdraw": {"amount": 1},
}


@pytest.mark.parametrize("name", GUARDED)
def test_a_description_names_the_permission_that_a_refusal_asks_for(
    make_user, alice, funded_account, client_for, name
):
    method, path = name.lower().split()
    client, account = client_for(make_user("accounts.read_any")), funded_account(alice)

    response = getattr(client, method)(path.format(account_id=account.pk), GUARDED[name])

    assert response.status_code == 403
    [needed] = re.findall(r"This requires the permission ([\w.]+\w)", response.json()["detail"])
    [who] = re.findall(r"\*\*Who:\*\* (.*)", OPERATIONS[name]["description"])
    assert set(re.findall(r"`(\w+\.\w+)`", who)) - {"accounts.read_any"} == {needed}
