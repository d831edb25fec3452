"""The filters of GET /accounts."""

import pytest

from accounts import services
from api.tests.contract import account_document, assert_invalid, assert_problem

pytestmark = pytest.mark.django_db


def names(response) -> list[str]:
    """Return the owner names in a list of accounts."""
    assert response.status_code == 200, response.content
    return [item["owner_name"] for item in response.json()["items"]]


def test_accounts_are_filtered_by_currency(api, alice, funded_account):
    funded_account(alice, currency="USD")
    euros = funded_account(alice, currency="EUR")

    response = api.get("/accounts", {"currency": "EUR"})

    assert response.json() == {"items": [account_document(euros)], "next_cursor": None}


@pytest.mark.parametrize("status", ["OPEN", "FROZEN", "CLOSED"])
def test_accounts_are_filtered_by_status(api, alice, staff, funded_account, status):
    accounts = {each: funded_account(alice) for each in ("OPEN", "FROZEN", "CLOSED")}
    services.freeze(account_id=accounts["FROZEN"].pk, actor=staff)
    services.close(account_id=accounts["CLOSED"].pk, actor=alice)

    response = api.get("/accounts", {"status": status})

    assert response.json() == {"items": [account_document(accounts[status])], "next_cursor": None}


@pytest.mark.parametrize("wanted", ["Ann Lee", "ann lee", "ANN LEE"])
def test_the_owner_name_filter_matches_whole_names_in_any_case(api, alice, funded_account, wanted):
    for owner_name in ("Ann", "Ann Lee", "Ann Leeds", "Joann Lee"):
        funded_account(alice, owner_name=owner_name)

    response = api.get("/accounts", {"owner_name": wanted})

    assert names(response) == ["Ann Lee"]


@pytest.mark.parametrize("wanted", ["émile zoë", "ÉMILE ZOË"])
def test_the_owner_name_filter_ignores_the_case_of_accented_letters(
    api, alice, funded_account, wanted
):
    funded_account(alice, owner_name="Émile Zoë")

    response = api.get("/accounts", {"owner_name": wanted})

    assert names(response) == ["Émile Zoë"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Νίκος", "ΝΊΚΟΣ"),
        ("ΝΊΚΟΣ", "νίκος"),
        ("Änne", "ÄNNE"),
        ("Strauß", "STRAUSS"),
        ("Strauss", "strauß"),
        ("Ĳsbrand", "ĳsbrand"),
        ("ﬁnn", "FINN"),
        # The same letter as one code point, and as a letter with a combining accent.
        ("Zo\u00eb", "ZOE\u0308"),
        ("Zoe\u0308", "zo\u00cb"),
    ],
)
def test_the_owner_name_filter_uses_unicode_case_folding(api, alice, funded_account, name, wanted):
    funded_account(alice, owner_name=name)
    funded_account(alice, owner_name=f"{name}s")

    response = api.get("/accounts", {"owner_name": wanted})

    assert names(response) == [name]


@pytest.mark.parametrize(("name", "wanted"), [("Zoë", "Zoe"), ("Ⅳ", "IV")])
def test_the_owner_name_filter_distinguishes_different_letters(
    api, alice, funded_account, name, wanted
):
    funded_account(alice, owner_name=name)

    response = api.get("/accounts", {"owner_name": wanted})

    assert names(response) == []


@pytest.mark.parametrize("wanted", ["%", "_nn", "A%", "a\\"])
def test_the_owner_name_filter_is_not_a_pattern(api, alice, funded_account, wanted):
    funded_account(alice, owner_name="Ann")
    funded_account(alice, owner_name=wanted)

    response = api.get("/accounts", {"owner_name": wanted})

    assert names(response) == [wanted]


def test_filters_can_be_combined(api, alice, funded_account):
    funded_account(alice, owner_name="Ann", currency="USD")
    funded_account(alice, owner_name="Ann", currency="EUR")
    funded_account(alice, owner_name="Bea", currency="EUR")

    response = api.get("/accounts", {"owner_name": "ann", "currency": "EUR", "status": "OPEN"})

    assert [(item["owner_name"], item["currency"]) for item in response.json()["items"]] == [
        ("Ann", "EUR")
    ]


def test_a_filter_shows_no_accounts_of_other_users(api, bob, funded_account):
    funded_account(bob, owner_name="Bob")

    response = api.get("/accounts", {"owner_name": "Bob"})

    assert response.json() == {"items": [], "next_cursor": None}


def test_later_pages_keep_the_filter(api, alice, funded_account):
    for owner_name in ("Ann", "Bea", "Ann", "Bea", "Ann"):
        funded_account(alice, owner_name=owner_name)
    query = {"owner_name": "Ann", "limit": 2}

    first = api.get("/accounts", query)
    second = api.get("/accounts", {**query, "cursor": first.json()["next_cursor"]})

    assert names(first) == ["Ann", "Ann"]
    assert names(second) == ["Ann"]
    assert second.json()["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [{}, {"owner_name": "Bea"}, {"owner_name": "Ann", "currency": "USD"}, {"status": "OPEN"}],
)
def test_a_cursor_from_a_list_with_other_filters_is_refused(api, alice, funded_account, query):
    for _ in range(2):
        funded_account(alice, owner_name="Ann")
    first = api.get("/accounts", {"owner_name": "Ann", "limit": 1})

    response = api.get("/accounts", {**query, "cursor": first.json()["next_cursor"]})

    assert_problem(
        response, 400, "invalid_cursor", detail="Invalid cursor: request the first page again."
    )


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("currency=usd", "#/currency", "invalid_choice"),
        ("currency=XXX", "#/currency", "invalid_choice"),
        ("status=open", "#/status", "invalid_choice"),
        ("status=PENDING", "#/status", "invalid_choice"),
        ("owner_name=%00", "#/owner_name", "null_characters_not_allowed"),
        ("currency=", "#/currency", "empty_parameter"),
        ("status=", "#/status", "empty_parameter"),
        ("owner_name=", "#/owner_name", "empty_parameter"),
        ("owner_name=%20", "#/owner_name", "empty_parameter"),
        pytest.param(
            f"owner_name={'x' * 60_000}", "#/owner_name", "max_length", id="60,000 letters"
        ),
        ("currency=USD&currency=EUR", "#/currency", "repeated_parameter"),
        ("status=OPEN&status=OPEN", "#/status", "repeated_parameter"),
        ("owner_name=a&owner_name=b", "#/owner_name", "repeated_parameter"),
        ("kind=CUSTOMER", "#/kind", "unknown_parameter"),
        ("Currency=USD", "#/Currency", "unknown_parameter"),
        ("format=json", "#/format", "unknown_parameter"),
        ("page=1", "#/page", "unknown_parameter"),
        ("owner=1", "#/owner", "unknown_parameter"),
    ],
)
def test_an_invalid_query_is_refused(api, query, pointer, code):
    response = api.get(f"/accounts?{query}")

    assert_invalid(response, (pointer, code))


@pytest.mark.parametrize(
    ("name", "choices"), [("currency", "USD, EUR, GBP, JPY"), ("status", "OPEN, FROZEN, CLOSED")]
)
def test_the_error_of_an_invalid_choice_lists_the_valid_ones(api, name, choices):
    response = api.get(f"/accounts?{name}=open")

    detail = f'"open" is not a valid choice. Send one of {choices}.'
    assert response.json()["errors"] == [
        {"pointer": f"#/{name}", "code": "invalid_choice", "detail": detail}
    ]
