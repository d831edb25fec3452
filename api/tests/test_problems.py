"""Errors that are found before any rule of the ledger is checked, and their order."""

from datetime import datetime, timedelta, timezone

import pytest
from rest_framework import exceptions as drf
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer

from accounts.models import Account
from api.exceptions import NOT_AN_INTEGER
from api.problems import Problem, problem_of
from api.tests.contract import JSON, NOWHERE, assert_invalid, assert_problem
from ledger_project.openapi.errors import ERRORS
from transfers.exceptions import HoldExpired

pytestmark = pytest.mark.django_db

# The routes of the ledger and the methods that they support.
ROUTES = {
    "/accounts": {"GET", "POST"},
    f"/accounts/{NOWHERE}": {"GET", "PATCH"},
    f"/accounts/{NOWHERE}/close": {"POST"},
    f"/accounts/{NOWHERE}/freeze": {"POST"},
    f"/accounts/{NOWHERE}/unfreeze": {"POST"},
    f"/accounts/{NOWHERE}/deposit": {"POST"},
    f"/accounts/{NOWHERE}/withdraw": {"POST"},
    f"/accounts/{NOWHERE}/statement": {"GET"},
    f"/accounts/{NOWHERE}/balance": {"GET"},
    "/transfers": {"GET", "POST"},
    "/transfers/batch": {"POST"},
    f"/transfers/{NOWHERE}": {"GET"},
    f"/transfers/{NOWHERE}/capture": {"POST"},
    f"/transfers/{NOWHERE}/void": {"POST"},
    f"/transfers/{NOWHERE}/reverse": {"POST"},
    "/idempotency-keys/key": {"GET"},
}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}


@pytest.mark.parametrize("path", ROUTES)
def test_an_unsupported_method_is_refused_with_or_without_a_key(api, path):
    for method in METHODS - ROUTES[path]:
        without_key = api.generic(method, path)
        with_key = api.generic(method, path, headers={"Idempotency-Key": "key"})

        assert_problem(without_key, 405, "method_not_allowed")
        assert_problem(with_key, 405, "method_not_allowed")


@pytest.mark.parametrize("path", ROUTES)
def test_a_405_response_names_the_supported_methods(api, path):
    expected = ROUTES[path] | ({"HEAD"} if "GET" in ROUTES[path] else set())

    response = api.generic("DELETE", path)

    assert set(response["Allow"].split(", ")) == expected


@pytest.mark.parametrize("path", ROUTES)
def test_an_unsupported_method_is_refused_before_an_unknown_parameter(api, path):
    response = api.generic("PUT", f"{path}?surprise=1")

    assert_problem(response, 405, "method_not_allowed")


@pytest.mark.parametrize("path", ROUTES)
def test_a_missing_token_is_refused_whatever_the_method(client_for, path):
    for method in METHODS:
        response = client_for(None).generic(method, path, b"{", content_type=JSON)

        assert_problem(response, 401, "not_authenticated")
        assert response["WWW-Authenticate"].split()[0] == "Bearer"


@pytest.mark.parametrize("token", ["Bearer forged", "Bearer a.b.c", "Bearer", "Bearer a b"])
def test_an_invalid_token_is_refused_before_anything_else(client_for, token):
    client = client_for(None)
    client.credentials(HTTP_AUTHORIZATION=token)

    read = client.get("/accounts")
    write = client.post("/accounts", b"{", content_type="text/plain")

    assert_problem(read, 401, "token_not_valid")
    assert_problem(write, 401, "token_not_valid")


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/accounts/",
        "/transfers/",
        "/account",
        "/Accounts",
        "/accounts/not-a-uuid",
        "/accounts/not-a-uuid/deposit",
        f"/accounts/{NOWHERE}/",
        f"/accounts/{NOWHERE}/delete",
        f"/accounts/{NOWHERE.hex}",
        "/transfers/not-a-uuid",
        "/transfers/5/capture",
        f"/transfers/{NOWHERE}/refund",
        "/transfers/batch/",
        "/healthz/",
        "/idempotency-keys/",
    ],
)
def test_an_unknown_url_is_not_found_for_any_caller_and_method(api, client_for, path):
    for client in (api, client_for(None)):
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            response = client.generic(method, path, b"{", content_type="text/plain")

            assert_problem(response, 404, "not_found")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "text/csv"])
def test_a_media_type_that_a_route_does_not_have_is_refused(api, accept):
    read = api.get("/accounts", headers={"Accept": accept})
    write = api.post("/accounts", {"owner_name": "Alice"}, headers={"Accept": accept})

    assert_problem(read, 406, "not_acceptable")
    assert_problem(write, 406, "not_acceptable")
    assert Account.objects.customers().count() == 0


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/json", "text/html, */*"])
def test_a_client_that_accepts_json_gets_json(api, accept):
    response = api.get("/accounts", headers={"Accept": accept})

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ROUTES)
def test_a_missing_key_is_refused_before_an_invalid_body(api, path):
    for method in ROUTES[path] & {"POST", "PATCH"}:
        response = api.generic(method, path, b"{", content_type="text/plain")

        assert_problem(response, 400, "idempotency_key_missing")


VALID = {"deposit": {"amount": 1}, "withdraw": {"amount": 1}}


@pytest.mark.parametrize("action", ["deposit", "withdraw", "close"])
def test_an_invalid_body_is_refused_before_ownership_is_checked(api, action):
    path = f"/accounts/{NOWHERE}/{action}"

    text = api.post(path, b"{", content_type="text/plain")
    broken = api.post(path, b"{", content_type=JSON)
    unknown = api.post(path, {**VALID.get(action, {}), "surprise": 1})

    assert_problem(text, 415, "unsupported_media_type")
    assert_problem(broken, 400, "malformed_json")
    assert_invalid(unknown, ("#/surprise", "unknown_field"))


@pytest.mark.parametrize("action", ["capture", "void", "reverse"])
def test_an_invalid_body_is_refused_before_the_transfer_is_looked_up(api, action):
    response = api.post(f"/transfers/{NOWHERE}/{action}", {"surprise": 1})

    assert_invalid(response, ("#/surprise", "unknown_field"))


def test_ownership_is_checked_before_the_rules_of_transfers(api, alice, bob, funded_account):
    foreign = funded_account(bob)
    body = {"source_account_id": str(foreign.pk), "dest_account_id": str(foreign.pk), "amount": 1}

    response = api.post("/transfers", body)

    assert_problem(response, 404, "account_not_found")


def test_an_unknown_host_is_refused_with_a_problem_document(api):
    response = api.get("/accounts", headers={"Host": "evil.example"})

    assert_problem(response, 400, "invalid_host")


@pytest.mark.parametrize("escaped", ["%00", "%ff", "%ED%A0%80", "..%2f", "%0d%0aSet-Cookie:%20a=b"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_with_odd_escaped_characters_is_an_unknown_url(api, method, escaped):
    response = api.generic(method, f"/accounts/{escaped}")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response["Content-Type"] == "application/problem+json"


FRAMEWORK = {
    "malformed_json": drf.ParseError(ERRORS["malformed_json"].detail),
    "not_authenticated": drf.NotAuthenticated(),
    "authentication_failed": drf.AuthenticationFailed(
        TokenObtainPairSerializer.default_error_messages["no_active_account"], "no_active_account"
    ),
    "token_not_valid": InvalidToken(),
    "not_found": drf.NotFound(),
    "method_not_allowed": drf.MethodNotAllowed("DELETE"),
    "not_acceptable": drf.NotAcceptable(),
    "unsupported_media_type": drf.UnsupportedMediaType("text/plain"),
    "validation_failed": drf.ValidationError(
        {"amount": [drf.ErrorDetail(NOT_AN_INTEGER, "invalid")]}
    ),
    "throttled": drf.Throttled(wait=42),
}


@pytest.mark.parametrize("code", FRAMEWORK)
def test_an_exception_of_drf_becomes_the_corresponding_error(code):
    problem = problem_of(FRAMEWORK[code])

    expected = Problem(ERRORS[code])
    assert problem.body("/transfers") == expected.body("/transfers")
    assert problem.headers() == expected.headers()


def test_every_exception_of_drf_becomes_an_error():
    def subclasses(parent):
        for each in parent.__subclasses__():
            yield each
            yield from subclasses(each)

    arguments = {drf.MethodNotAllowed: ["PUT"], drf.UnsupportedMediaType: ["text/plain"]}
    raised = [each(*arguments.get(each, [])) for each in subclasses(drf.APIException)]

    assert [error for error in raised if problem_of(error) is None] == []


def test_each_code_has_a_unique_title_in_sentence_case():
    titles = [error.title for error in ERRORS.values()]

    assert len(set(titles)) == len(titles)
    assert [title for title in titles if title != title[0].upper() + title[1:].lower()] == [
        "Malformed JSON"
    ]


def test_an_instant_in_an_error_has_the_usual_format():
    somewhere_else = timezone(timedelta(hours=2))
    expired = HoldExpired(NOWHERE, datetime(33, 4, 3, 15, tzinfo=somewhere_else))

    assert problem_of(expired).body("/")["expires_at"] == "0033-04-03T13:00:00.000000Z"
