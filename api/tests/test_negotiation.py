"""Accept and Content-Type headers, and the order in which the checks of a request happen."""

import json
import uuid

import pytest

from api.tests.contract import assert_invalid, assert_problem

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

JSON, CSV = "application/json", "text/csv; charset=utf-8"


@pytest.fixture
def statement(alice, funded_account):
    """The path of a statement, which is available as JSON and as CSV."""
    return f"/accounts/{funded_account(alice, 5).pk}/statement"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", JSON),
        ("text/*", CSV),
        ("text/csv", CSV),
        ("application/json; charset=utf-8", JSON),
        ("text/csv, application/json;q=0.5", CSV),
        ("text/csv;q=0.5, application/json", JSON),
        ("text/csv;q=0.5, */*;q=0.1", CSV),
        ("application/json;q=0, */*", CSV),
        ("text/html, text/csv;q=0.1", CSV),
        # An unreadable range is ignored.
        ("a/b;x*=nope'en'z, text/csv", CSV),
    ],
)
def test_the_accepted_type_with_the_highest_weight_is_sent(api, statement, accept, content_type):
    response = api.get(statement, headers={"Accept": accept})
    response.close()

    assert (response.status_code, response["Content-Type"]) == (200, content_type)
    assert response["Vary"] == "Accept"


@pytest.mark.parametrize(
    "accept", ["text/csv;q=0", "*/*;q=0", "text/html", "text", "", "*/*;x*=nope'en'z"]
)
def test_an_accept_header_that_excludes_all_types_is_refused(api, statement, accept):
    response = api.get(statement, headers={"Accept": accept})

    assert_problem(response, 406, "not_acceptable")


@pytest.mark.parametrize(
    "content_type",
    [
        "*/*",
        "application/*",
        "text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/x-www-form-urlencoded",
    ],
)
def test_a_body_of_another_type_or_charset_is_refused(api, content_type):
    response = post_account(api, content_type)

    assert_problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"']
)
def test_a_json_body_in_utf_8_is_accepted(api, content_type):
    assert post_account(api, content_type).status_code == 201


def post_account(api, content_type):
    return api.generic(
        "POST",
        "/accounts",
        json.dumps({"owner_name": "Zoë"}).encode(),
        content_type=content_type,
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )


# The order of the checks: 401, 405, 422, and then 406, 403 and 404.
NOT_ACCEPTED = {"Accept": "application/xml"}


@pytest.mark.parametrize("path", ["/idempotency-keys/k", "/accounts", "/integrity"])
def test_a_missing_token_is_refused_before_anything_else(client_for, path):
    response = client_for(None).get(f"{path}?x=1", headers=NOT_ACCEPTED)

    assert_problem(response, 401, "not_authenticated")


@pytest.mark.parametrize("path", ["/idempotency-keys/k", "/accounts", "/integrity"])
def test_an_unsupported_method_is_refused_before_query_and_accept_header(api, path):
    response = api.delete(
        f"{path}?x=1", headers={**NOT_ACCEPTED, "Idempotency-Key": str(uuid.uuid4())}
    )

    assert_problem(response, 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/idempotency-keys/k", "/accounts", "/integrity"])
def test_an_unknown_parameter_is_refused_before_accept_header_and_permission(api, path):
    response = api.get(f"{path}?x=1", headers=NOT_ACCEPTED)

    assert_invalid(response, ("#/x", "unknown_parameter"))


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/events?cursor=x", "no such query parameter, only account_id, after, limit, type, wait."),
        (
            "/accounts/01900000-0000-7000-8000-000000000009?x=1",
            "no query parameters. Leave it out.",
        ),
    ],
)
def test_the_error_for_an_unknown_parameter_names_those_of_the_route(api, path, detail):
    [error] = api.get(path).data["errors"]

    assert error["detail"] == f"This route has {detail}"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("limit=0", ("#/limit", "invalid")),
        ("type=x", ("#/type", "invalid_choice")),
        ("from=x", ("#/from", "invalid_instant")),
    ],
)
def test_an_invalid_filter_is_refused_before_ownership(client_for, bob, statement, query, error):
    response = client_for(bob).get(f"{statement}?{query}")

    assert_invalid(response, error)


def test_an_invalid_instant_is_refused_before_ownership(client_for, bob, statement):
    path = statement.replace("statement", "balance")

    assert_invalid(client_for(bob).get(f"{path}?at=x"), ("#/at", "invalid_instant"))
    assert_invalid(client_for(bob).get(f"{path}?at=2999-01-01T00:00:00Z"), ("#/at", "future"))


def test_more_than_1000_query_parameters_are_refused(api):
    query = "&".join(f"x{number}=1" for number in range(1001))

    assert_invalid(api.get(f"/accounts?{query}"), ("#", "too_many_parameters"))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/"])
def test_a_route_without_parameters_refuses_any(client_for, path):
    assert_invalid(client_for(None).get(f"{path}?version=9"), ("#/version", "unknown_parameter"))


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_the_documentation_supports_only_get_and_head(client_for, path):
    response = client_for(None).options(path)

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
