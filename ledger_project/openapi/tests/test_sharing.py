"""The document says the same with its shared components as without them."""

import re

import pytest

from api.problems import MEDIA_TYPE
from ledger_project.openapi.errors import ERRORS
from ledger_project.openapi.tests.declared import DECLARED
from ledger_project.openapi.tests.test_autoschema import (
    DOCUMENT,
    OPERATIONS,
    media_types,
    resolved,
)

pytestmark = pytest.mark.one_database

ANY_OPERATION = DOCUMENT["components"]["responses"]["any_operation"]
OF_ANY_OPERATION = set(ANY_OPERATION["content"][MEDIA_TYPE]["examples"])


def test_every_declaration_is_of_an_operation_of_the_document():
    assert set(DECLARED) == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_the_responses_that_its_view_declares(name):
    responses = {**OPERATIONS[name]["responses"]}
    default = resolved(responses.pop("default", {}))

    explicit = {
        int(status): set(resolved(each).get("content", {}).get(MEDIA_TYPE, {}).get("examples", ()))
        for status, each in responses.items()
    }
    others = {status: each for status, each in DECLARED[name].items() if status not in explicit}

    assert explicit == {status: DECLARED[name][status] for status in explicit}
    assert all(codes and codes <= OF_ANY_OPERATION for codes in others.values())
    assert default == (ANY_OPERATION if others else {})


def test_the_response_of_any_operation_names_the_status_and_code_of_each_error():
    named = re.findall(r"(\d+) `(\w+)`", ANY_OPERATION["description"])

    assert sorted(named) == sorted((str(ERRORS[code].status), code) for code in OF_ANY_OPERATION)
    assert set(ANY_OPERATION["headers"]) == {"Retry-After", "X-Request-ID"}


def test_the_response_of_any_operation_has_the_errors_that_depend_on_no_operation():
    codes = set(ANY_OPERATION["content"][MEDIA_TYPE]["examples"])

    assert codes == {
        *("not_acceptable", "internal_error", "temporarily_unavailable"),
        # Of requests with a body.
        *("request_timeout", "length_required", "payload_too_large", "unsupported_media_type"),
    }


def test_the_probes_have_no_errors_of_any_operation():
    without = {name for name in OPERATIONS if "default" not in OPERATIONS[name]["responses"]}

    assert without == {"GET /healthz", "GET /readyz", "GET /metrics"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_examples_have_their_titles_as_names(name):
    bodies = [body for _, body in media_types(OPERATIONS[name])]

    examples = [resolved(each) for body in bodies for each in body["examples"].values()]
    assert {key for each in examples for key in each} == {"value"}
