"""POST /transfers/batch."""

import json

import pytest

from accounts import services as account_services
from api.tests.contract import (
    JSON,
    MONEY_MAX,
    NOWHERE,
    account_document,
    assert_invalid,
    assert_problem,
    transfer_document,
)
from transfers import services
from transfers.models import Transfer

pytestmark = pytest.mark.django_db

MIB = 1024 * 1024


@pytest.fixture
def savings(alice, funded_account):
    return funded_account(alice)


def order(source, dest, amount: int = 1, **members) -> dict:
    parties = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk)}
    return {**parties, "amount": amount, **members}


def send(api, *orders: dict):
    return api.post("/transfers/batch", {"transfers": list(orders)})


def posted() -> list[Transfer]:
    return list(Transfer.objects.filter(kind="TRANSFER").order_by("pk"))


def test_a_batch_returns_its_transfers_in_order_without_their_accounts(api, source, savings, dest):
    response = send(
        api,
        order(source, dest, 3_00, memo="first", metadata={"n": "1"}),
        order(source, savings, 2_00),
        order(source, dest, 1_00, memo="third"),
    )

    assert response.status_code == 201
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"transfers": [transfer_document(each) for each in posted()]}
    assert [(each.amount, each.memo) for each in posted()] == [
        (3_00, "first"),
        (2_00, None),
        (1_00, "third"),
    ]
    balances = [account_document(account)["balance"] for account in (source, savings, dest)]
    assert balances == [4_00, 2_00, 4_00]


def test_each_transfer_of_a_batch_sees_the_effects_of_those_before_it(api, source, savings, dest):
    response = send(api, order(source, savings, 10_00), order(savings, dest, 10_00))

    assert response.status_code == 201
    balances = [account_document(account)["balance"] for account in (source, savings, dest)]
    assert balances == [0, 0, 10_00]


def test_a_batch_is_all_or_nothing(api, source, dest):
    before = account_document(source), account_document(dest)

    response = send(
        api, order(source, dest, 6_00), order(source, dest, 5_00), order(source, dest, 1)
    )

    assert_problem(
        response,
        409,
        "insufficient_funds",
        account_id=str(source.pk),
        available=4_00,
        required=5_00,
        shortfall=1_00,
        index=1,
        pointer="#/transfers/1",
    )
    assert (account_document(source), account_document(dest)) == before
    assert posted() == []


def test_staff_can_post_a_batch_for_any_accounts(client_for, staff, source, dest):
    response = send(client_for(staff), order(source, dest, 5_00), order(dest, source, 1_00))

    assert response.status_code == 201
    assert [account_document(account)["balance"] for account in (source, dest)] == [6_00, 4_00]


def test_ownership_of_all_sources_is_checked_before_any_rule(api, source, dest):
    response = send(
        api,
        order(source, dest, 999_00),
        order(source, source),
        order(dest, source),
        order(dest, dest),
    )

    assert_problem(response, 404, "account_not_found", index=2, pointer="#/transfers/2")
    assert posted() == []


def test_an_unknown_account_and_the_source_of_another_owner_get_the_same_response(
    api, source, dest
):
    missing = json.loads(json.dumps(order(source, dest)).replace(str(dest.pk), str(NOWHERE)))

    no_dest = send(api, order(source, dest), missing)
    foreign = send(api, order(source, dest), order(dest, source))

    assert_problem(no_dest, 404, "account_not_found", index=1, pointer="#/transfers/1")
    assert_problem(foreign, 404, "account_not_found", index=1, pointer="#/transfers/1")
    assert no_dest.content.replace(str(NOWHERE).encode(), b"") == foreign.content.replace(
        str(dest.pk).encode(), b""
    )


def test_the_whole_body_is_validated_before_ownership_is_checked(api, source, dest):
    response = send(api, order(dest, source), order(source, dest, 0), order(source, dest, "5"))

    assert_invalid(
        response, ("#/transfers/1/amount", "min_value"), ("#/transfers/2/amount", "invalid")
    )
    assert posted() == []


def test_the_rules_are_checked_in_the_order_of_the_batch(
    api, alice, staff, funded_account, source, dest
):
    euros, frozen, full = (
        funded_account(alice, currency="EUR"),
        funded_account(alice),
        funded_account(alice),
    )
    account_services.freeze(account_id=frozen.pk, actor=staff)
    services.deposit(account_id=full.pk, amount=MONEY_MAX, actor=staff)
    good = order(source, dest)

    same = send(api, good, order(source, source), order(source, euros))
    mismatch = send(api, good, order(source, euros), order(source, frozen))
    stopped = send(api, good, order(source, frozen), order(source, full))
    overfull = send(api, good, order(source, full), order(source, source))

    at = {"index": 1, "pointer": "#/transfers/1"}
    assert_problem(same, 400, "same_account", detail="Cannot transfer to the same account", **at)
    currencies = {"source_currency": "USD", "dest_currency": "EUR"}
    assert_problem(mismatch, 400, "currency_mismatch", **currencies, **at)
    assert_problem(stopped, 409, "account_frozen", account_id=str(frozen.pk), **at)
    full_id = str(full.pk)
    assert_problem(
        overfull, 409, "balance_limit_exceeded", account_id=full_id, limit=MONEY_MAX, **at
    )
    assert posted() == []


def test_a_batch_of_1000_is_posted_in_order(api, source, dest):
    orders = [order(source, dest, memo=str(index)) for index in range(1000)]

    assert len(json.dumps(orders)) > 64 * 1024

    response = send(api, *orders)

    assert response.status_code == 201
    assert [item["memo"] for item in response.json()["transfers"]] == [
        str(index) for index in range(1000)
    ]
    assert [str(each.pk) for each in posted()] == [
        item["id"] for item in response.json()["transfers"]
    ]
    assert account_document(dest)["balance"] == 1000
    assert account_document(dest)["version"] == 1000


@pytest.mark.parametrize(("count", "code"), [(0, "min_length"), (1001, "max_length")])
def test_a_batch_of_0_or_more_than_1000_transfers_is_refused(api, source, dest, count, code):
    response = send(api, *[order(source, dest)] * count)

    assert_invalid(response, ("#/transfers", code))
    assert posted() == []


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "#/transfers", "required"),
        ({"transfers": None}, "#/transfers", "null"),
        ({"transfers": {}}, "#/transfers", "not_a_list"),
        ({"transfers": "x"}, "#/transfers", "not_a_list"),
        ({"transfers": [5]}, "#/transfers/0", "invalid"),
        ({"transfers": [None]}, "#/transfers/0", "null"),
        ({"transfers": [[]]}, "#/transfers/0", "invalid"),
        ([], "#", "invalid"),
    ],
)
def test_an_invalid_batch_is_refused(api, body, pointer, code):
    response = api.post("/transfers/batch", body)

    assert_invalid(response, (pointer, code))


def test_an_unknown_member_beside_the_transfers_is_refused(api, source, dest):
    response = api.post("/transfers/batch", {"transfers": [order(source, dest)], "hold": True})

    assert_invalid(response, ("#/hold", "unknown_field"))
    assert posted() == []


@pytest.mark.parametrize("member", [{"hold": True}, {"hold": False}, {"expires_in": 60}])
def test_a_batch_cannot_contain_holds(api, source, dest, member):
    response = send(api, order(source, dest), order(source, dest, **member))

    assert_invalid(response, (f"#/transfers/1/{next(iter(member))}", "unknown_field"))
    assert posted() == []


def test_a_batch_can_have_up_to_1_mib(api, source, dest):
    body = json.dumps({"transfers": [order(source, dest)]}).encode()

    fullest = api.post("/transfers/batch", body.ljust(MIB), content_type=JSON)
    beyond = api.post("/transfers/batch", body.ljust(MIB + 1), content_type=JSON)

    assert fullest.status_code == 201
    assert_problem(
        beyond, 413, "payload_too_large", detail="The body may be at most 1048576 bytes long."
    )
    assert len(posted()) == 1


def test_a_batch_with_too_many_items_is_refused_before_they_are_validated(api):
    answer = api.post("/transfers/batch", {"transfers": [{}] * 50_000})

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["pointer"], error["code"]) == (
        422,
        "#/transfers",
        "max_length",
    )


def test_a_validation_problem_lists_at_most_100_errors(api):
    answer = api.post("/transfers/batch", {"transfers": [{}] * 1000})

    assert (answer.status_code, len(answer.json()["errors"])) == (422, 100)
