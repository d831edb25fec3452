"""POST /accounts."""

import pytest

from accounts.models import Account
from api.tests.contract import (
    JSON,
    account_document,
    assert_invalid,
    assert_problem,
    instant,
)

pytestmark = pytest.mark.django_db


def test_opening_an_account_returns_it_with_its_location(api, alice):
    body = {"owner_name": "Alice", "currency": "EUR", "metadata": {"ref": "A-1"}}

    response = api.post("/accounts", body)

    account = Account.objects.customers().get()
    assert account.owner == alice
    assert response.status_code == 201
    assert response["Content-Type"] == "application/json"
    assert response["Location"] == f"/accounts/{account.pk}"
    assert response.json() == {
        "id": str(account.pk),
        "owner_name": "Alice",
        "currency": "EUR",
        "status": "OPEN",
        "balance": 0,
        "held": 0,
        "available": 0,
        "overdraft_limit": 0,
        "version": 0,
        "metadata": {"ref": "A-1"},
        "created_at": instant(account.created_at),
    }


def test_the_location_of_a_new_account_can_be_read(api):
    opened = api.post("/accounts", {"owner_name": "Alice"})

    response = api.get(opened["Location"])

    assert response.status_code == 200
    assert response.json() == opened.json()


def test_currency_and_metadata_have_defaults(api):
    response = api.post("/accounts", {"owner_name": "Alice"})

    assert response.status_code == 201
    assert response.json()["currency"] == "USD"
    assert response.json()["metadata"] == {}


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP", "JPY"])
def test_an_account_can_be_opened_in_each_configured_currency(api, currency):
    response = api.post("/accounts", {"owner_name": "Alice", "currency": currency})

    assert response.status_code == 201
    assert response.json()["currency"] == currency


@pytest.mark.parametrize(
    ("currency", "code"),
    [
        ("usd", "invalid_choice"),
        (" USD", "invalid_choice"),
        ("XXX", "invalid_choice"),
        ("", "invalid_choice"),
        (None, "null"),
        (5, "invalid_choice"),
        (True, "invalid_choice"),
        (["USD"], "invalid_choice"),
        ({"USD": 1}, "invalid_choice"),
    ],
)
def test_an_invalid_currency_is_refused(api, currency, code):
    response = api.post("/accounts", {"owner_name": "Alice", "currency": currency})

    assert_invalid(response, ("#/currency", code))
    assert Account.objects.customers().count() == 0


def test_the_error_of_an_invalid_currency_lists_the_valid_ones(api, settings):
    response = api.post("/accounts", {"owner_name": "Alice", "currency": "usd"})

    detail = f'"usd" is not a valid choice. Send one of {", ".join(settings.CURRENCIES)}.'
    assert response.json()["errors"] == [
        {"pointer": "#/currency", "code": "invalid_choice", "detail": detail}
    ]


def test_an_owner_name_is_trimmed_before_its_length_is_checked(api):
    response = api.post("/accounts", {"owner_name": f" \t\n{'x' * 200}  "})

    assert response.status_code == 201
    assert response.json() == account_document(Account.objects.customers().get())
    assert response.json()["owner_name"] == "x" * 200


@pytest.mark.parametrize("owner_name", ["x", "x" * 200, "\U0001f600" * 200, "Zoë  O'Hara"])
def test_an_owner_name_of_1_to_200_characters_is_stored_unchanged(api, owner_name):
    response = api.post("/accounts", {"owner_name": owner_name})

    assert response.status_code == 201
    assert response.json()["owner_name"] == owner_name


@pytest.mark.parametrize(
    ("owner_name", "code"),
    [
        ("", "blank"),
        (" \t ", "blank"),
        ("x" * 201, "max_length"),
        ("a\0b", "null_characters_not_allowed"),
        (None, "null"),
        (5, "invalid"),
        (5.0, "invalid"),
        (True, "invalid"),
        (["Alice"], "invalid"),
        ({"first": "Alice"}, "invalid"),
    ],
)
def test_an_invalid_owner_name_is_refused(api, owner_name, code):
    response = api.post("/accounts", {"owner_name": owner_name})

    assert_invalid(response, ("#/owner_name", code))
    assert Account.objects.customers().count() == 0


def test_an_account_without_an_owner_name_is_refused(api):
    response = api.post("/accounts", {})

    assert_invalid(response, ("#/owner_name", "required"))


def test_all_invalid_members_are_reported_at_once(api):
    response = api.post("/accounts", {"owner_name": 5, "currency": "XXX", "metadata": {"a": 1}})

    assert_invalid(
        response,
        ("#/owner_name", "invalid"),
        ("#/currency", "invalid_choice"),
        ("#/metadata/a", "invalid"),
    )


def test_an_unknown_member_does_not_hide_what_is_wrong_with_the_others(api):
    response = api.post("/accounts", {"name": "Alice", "currency": "XXX"})

    assert_invalid(
        response,
        ("#/name", "unknown_field"),
        ("#/owner_name", "required"),
        ("#/currency", "invalid_choice"),
    )


@pytest.mark.parametrize(
    "name", ["id", "owner", "kind", "status", "balance", "held", "overdraft_limit", "ownerName", ""]
)
def test_an_unknown_or_read_only_member_is_refused(api, name):
    response = api.post("/accounts", {"owner_name": "Alice", name: 1})

    assert_invalid(response, (f"#/{name}", "unknown_field"))
    assert Account.objects.customers().count() == 0


def test_the_pointer_to_an_unknown_member_is_escaped(api):
    response = api.post("/accounts", {"owner_name": "Alice", "a/b~c": 1})

    assert_invalid(response, ("#/a~1b~0c", "unknown_field"))


def test_unknown_members_named_message_or_code_get_an_error_each(api):
    response = api.post("/accounts", {"owner_name": "Alice", "message": 1, "code": 2})

    assert_invalid(response, ("#/message", "unknown_field"), ("#/code", "unknown_field"))


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("non_field_errors", "#/metadata/non_field_errors"),
        ("", "#/metadata/"),
        ("a/b~c", "#/metadata/a~1b~0c"),
        ("a b%", "#/metadata/a%20b%25"),
        ("größe", "#/metadata/gr%C3%B6%C3%9Fe"),
        ("a?b=c&d:@(e)", "#/metadata/a?b=c&d:@(e)"),
        ("a#b", "#/metadata/a%23b"),
    ],
)
def test_the_pointer_to_a_metadata_member_is_a_uri_fragment(api, name, pointer):
    response = api.post("/accounts", {"owner_name": "Alice", "metadata": {name: 1}})

    assert_invalid(response, (pointer, "invalid"))


def test_an_invalid_metadata_name_is_pointed_at(api):
    response = api.post("/accounts", {"owner_name": "Alice", "metadata": {"a\0b": "c"}})

    assert_invalid(response, ("#/metadata/a%00b", "null_characters_not_allowed"))


def test_an_unknown_member_named_non_field_errors_is_pointed_at(api):
    response = api.post("/accounts", {"owner_name": "Alice", "non_field_errors": 1})

    assert_invalid(response, ("#/non_field_errors", "unknown_field"))


def test_an_unknown_query_parameter_is_refused(api):
    response = api.post("/accounts?currency=EUR", {"owner_name": "Alice"})

    assert_invalid(response, ("#/currency", "unknown_parameter"))
    assert Account.objects.customers().count() == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"owner_name": "\\ud800"}',
        b'{"owner_name": "x", "metadata": {"a": "\\udfff"}}',
        b'{"owner_name": "x", "metadata": {"\\ud800": "a"}}',
        b'{"owner_name": "x", "metadata": {"\\ud800": 5}}',
        b'{"owner_name": "x", "currency": "\\ud800"}',
        b'{"owner_name": "x", "\\ud800": 1}',
    ],
)
def test_an_unpaired_surrogate_is_refused_anywhere_in_the_body(api, body):
    response = api.post("/accounts", body, content_type=JSON)

    assert response.status_code == 422
    assert response.json()["code"] == "validation_failed"
    assert Account.objects.customers().count() == 0


def test_opening_an_account_requires_a_login(client_for):
    response = client_for(None).post("/accounts", {"owner_name": "Alice"})

    assert_problem(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"].split()[0] == "Bearer"
    assert Account.objects.customers().count() == 0


def test_at_most_20_unknown_members_are_reported(api):
    unknown = {str(number): 1 for number in range(5000)}

    response = api.post("/accounts", {"owner_name": "Ada", **unknown})

    assert (response.status_code, len(response.json()["errors"])) == (422, 20)


def test_too_many_metadata_members_are_reported_as_one_error(api):
    metadata = {str(number): 1 for number in range(4000)}

    response = api.post("/accounts", {"owner_name": "Ada", "metadata": metadata})

    [error] = response.json()["errors"]
    assert (response.status_code, error["pointer"]) == (422, "#/metadata")
