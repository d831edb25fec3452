"""GET /accounts/{id}/statement as JSON."""

import pytest

from accounts.models import external_account_id
from api.tests.contract import (
    NOWHERE,
    assert_invalid,
    assert_problem,
    statement_item,
    statement_of,
)
from transfers import services
from transfers.tests.orders import hold_order, transfer_order
from transfers.tests.statements import sequences, statement, with_five_entries

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(alice, bob, funded_account):
    return with_five_entries(alice, bob, funded_account)


def test_a_statement_is_newest_first_with_the_balance_after_each_entry(api, account):
    response = api.get(f"/accounts/{account.pk}/statement")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"items": statement_of(account), "next_cursor": None}
    assert [
        (item["sequence"], item["type"], item["amount"], item["balance"], item["ref"])
        for item in response.json()["items"]
    ] == [
        (5, "CREDIT", 5, 105, None),
        (4, "DEBIT", 20, 100, ""),
        (3, "CREDIT", 50, 120, "rent"),
        (2, "DEBIT", 30, 70, "cash"),
        (1, "CREDIT", 100, 100, None),
    ]


def test_a_line_has_its_kind_counterparty_and_currency(api, alice, bob, funded_account):
    account, other = (funded_account(owner, 100, currency="EUR") for owner in (alice, bob))
    services.withdraw(account_id=account.pk, amount=1, actor=alice)
    transfer_order(other, account, 2, actor=bob)
    paid = transfer_order(account, other, 3, actor=alice)
    services.capture(hold_id=hold_order(account, other, 4, actor=alice).pk, actor=bob)
    services.reverse(transfer_id=paid.pk, actor=bob)

    page = statement(api, account)

    external, party = str(external_account_id("EUR")), str(other.pk)
    lines = page["items"][::-1]
    assert [(each["kind"], each["type"], each["counterparty_id"]) for each in lines] == [
        ("DEPOSIT", "CREDIT", external),
        ("WITHDRAWAL", "DEBIT", external),
        ("TRANSFER", "CREDIT", party),
        ("TRANSFER", "DEBIT", party),
        ("CAPTURE", "DEBIT", party),
        ("REVERSAL", "CREDIT", party),
    ]
    assert {each["currency"] for each in lines} == {"EUR"}


def test_an_account_without_entries_has_an_empty_statement(api, alice, funded_account):
    page = statement(api, funded_account(alice))

    assert page == {"items": [], "next_cursor": None}


def test_holds_and_voids_do_not_appear_in_a_statement(api, alice, bob, account, funded_account):
    hold = hold_order(account, funded_account(bob), 10, actor=alice)
    services.void(hold_id=hold.pk, actor=alice)

    page = statement(api, account)

    assert sequences(page) == [5, 4, 3, 2, 1]


def test_staff_can_read_the_statement_of_any_account(client_for, staff, account):
    page = statement(client_for(staff), account)

    assert page == {"items": statement_of(account), "next_cursor": None}


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/csv"}])
def test_the_statement_of_another_owner_is_not_found(client_for, bob, account, headers):
    client = client_for(bob)

    foreign = client.get(f"/accounts/{account.pk}/statement", headers=headers)
    missing = client.get(f"/accounts/{NOWHERE}/statement", headers=headers)

    assert_problem(foreign, 404, "account_not_found")
    assert foreign.content.replace(str(account.pk).encode(), b"") == missing.content.replace(
        str(NOWHERE).encode(), b""
    )


@pytest.mark.parametrize(("side", "expected"), [("CREDIT", [5, 3, 1]), ("DEBIT", [4, 2])])
def test_a_statement_can_be_filtered_by_type(api, account, side, expected):
    page = statement(api, account, type=side)

    assert sequences(page) == expected
    assert set(page) == {"items", "next_cursor"}


def test_a_cursor_of_another_account_is_refused(api, alice, account, funded_account):
    other = funded_account(alice, 1)
    services.deposit(account_id=other.pk, amount=1, actor=alice)
    cursor = statement(api, other, limit=1)["next_cursor"]

    response = api.get(f"/accounts/{account.pk}/statement", {"cursor": cursor})

    assert_problem(
        response, 400, "invalid_cursor", detail="Invalid cursor: request the first page again."
    )


def test_a_cursor_does_not_give_access_to_another_owner(api, client_for, bob, account):
    cursor = statement(api, account, limit=1)["next_cursor"]

    response = client_for(bob).get(f"/accounts/{account.pk}/statement", {"cursor": cursor})

    assert_problem(response, 404, "account_not_found")


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("type=credit", "#/type", "invalid_choice"),
        ("type=", "#/type", "empty_parameter"),
        ("from=", "#/from", "empty_parameter"),
        ("to=", "#/to", "empty_parameter"),
        ("type=DEBIT&type=CREDIT", "#/type", "repeated_parameter"),
        ("kind=DEPOSIT", "#/kind", "unknown_parameter"),
        ("at=2026-01-01T00:00:00Z", "#/at", "unknown_parameter"),
        ("format=csv", "#/format", "unknown_parameter"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Accept": "text/csv"}])
def test_an_invalid_query_is_refused(api, account, query, pointer, code, headers):
    response = api.get(f"/accounts/{account.pk}/statement?{query}", headers=headers)

    assert_invalid(response, (pointer, code))


def test_a_statement_can_be_read_without_a_token_with_public_reads(
    client_for, bob, account, settings
):
    settings.PUBLIC_READS = True

    for user in (None, bob):
        page = statement(client_for(user), account)

        assert page == {"items": statement_of(account), "next_cursor": None}


def test_a_statement_is_not_public_by_default(client_for, account):
    response = client_for(None).get(f"/accounts/{account.pk}/statement")

    assert_problem(response, 401, "not_authenticated")


@pytest.mark.parametrize("count", [1, 3])
# A range is read under the account's lock, in a transaction.
@pytest.mark.parametrize(("query", "queries"), [({}, 3), ({"from": "2026-01-01T00:00:00Z"}, 7)])
def test_a_statement_takes_a_constant_number_of_queries(
    api, alice, funded_account, django_assert_num_queries, count, query, queries
):
    account = funded_account(alice)
    for _ in range(count):
        services.deposit(account_id=account.pk, amount=1, actor=alice)

    with django_assert_num_queries(queries):
        response = api.get(f"/accounts/{account.pk}/statement", query)

    assert response.json()["items"] == [
        statement_item(each) for each in account.entries.order_by("-sequence")
    ]


def test_an_invalid_type_is_refused_with_the_valid_choices(api, account):
    response = api.get(f"/accounts/{account.pk}/statement?type=open")

    detail = '"open" is not a valid choice. Send one of DEBIT, CREDIT.'
    assert response.json()["errors"] == [
        {"pointer": "#/type", "code": "invalid_choice", "detail": detail}
    ]
