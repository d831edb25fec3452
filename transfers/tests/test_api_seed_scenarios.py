"""The test scenarios of the service that this one replaces, under their original names."""

import pytest

from api.tests.contract import account_document, assert_problem
from transfers.models import LedgerEntry, Transfer

pytestmark = pytest.mark.django_db


def open_account(api, owner_name: str, balance: int = 0) -> str:
    account_id = api.post("/accounts", {"owner_name": owner_name}).json()["id"]
    if balance:
        api.post(f"/accounts/{account_id}/deposit", {"amount": balance})
    return account_id


def balance_of(api, account_id: str) -> int:
    return api.get(f"/accounts/{account_id}").json()["balance"]


def order(source: str, dest: str, amount: int) -> dict:
    return {"source_account_id": source, "dest_account_id": dest, "amount": amount}


def test_open_deposit_and_withdraw(api):
    opened = api.post("/accounts", {"owner_name": "Alice", "currency": "USD"})
    account_id = opened.json()["id"]
    deposited = api.post(f"/accounts/{account_id}/deposit", {"amount": 10_000, "memo": "seed"})
    withdrawn = api.post(f"/accounts/{account_id}/withdraw", {"amount": 2_500})

    assert (opened.status_code, opened.json()["balance"]) == (201, 0)
    assert (deposited.status_code, deposited.json()["balance"]) == (200, 10_000)
    assert (withdrawn.status_code, withdrawn.json()["balance"]) == (200, 7_500)
    assert balance_of(api, account_id) == 7_500


def test_insufficient_funds_409(api):
    account_id = open_account(api, "Alice", 100)

    response = api.post(f"/accounts/{account_id}/withdraw", {"amount": 200})

    assert_problem(
        response,
        409,
        "insufficient_funds",
        account_id=account_id,
        available=100,
        required=200,
        shortfall=100,
    )
    assert balance_of(api, account_id) == 100


def test_a_transfer_makes_two_entries_and_conserves_the_total(api):
    source, dest = open_account(api, "Alice", 5_000), open_account(api, "Bob", 1_000)

    response = api.post("/transfers", order(source, dest, 1_500))

    assert response.status_code == 201
    entries = LedgerEntry.objects.filter(transfer_id=response.json()["id"]).order_by("type")
    assert [(entry.type, str(entry.account_id), entry.amount) for entry in entries] == [
        ("CREDIT", dest, 1_500),
        ("DEBIT", source, 1_500),
    ]
    assert (balance_of(api, source), balance_of(api, dest)) == (3_500, 2_500)


def test_an_idempotent_replay_returns_the_same_payload_without_crediting_twice(api):
    source, dest = open_account(api, "Alice", 5_000), open_account(api, "Bob")
    first = api.post("/transfers", order(source, dest, 1_000), key="abc-123")

    second = api.post("/transfers", order(source, dest, 1_000), key="abc-123")

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second["Location"] == first["Location"]
    assert second["Content-Type"] == first["Content-Type"]
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert (balance_of(api, source), balance_of(api, dest)) == (4_000, 1_000)


def test_a_newest_first_statement_with_pagination(api):
    account_id = open_account(api, "Alice")
    for amount in (100, 200, 300):
        api.post(f"/accounts/{account_id}/deposit", {"amount": amount})

    first = api.get(f"/accounts/{account_id}/statement", {"limit": 2}).json()
    second = api.get(
        f"/accounts/{account_id}/statement", {"limit": 2, "cursor": first["next_cursor"]}
    ).json()

    assert [item["amount"] for item in first["items"]] == [300, 200]
    assert [item["amount"] for item in second["items"]] == [100]
    assert second["next_cursor"] is None


def test_self_transfer(api, alice, funded_account):
    account = funded_account(alice, 1_000)
    before = account_document(account)
    posted = Transfer.objects.count()

    response = api.post("/transfers", order(str(account.pk), str(account.pk), 100))

    assert_problem(response, 400, "same_account", detail="Cannot transfer to the same account")
    assert account_document(account) == before
    assert Transfer.objects.count() == posted


def test_bad_cursor(api):
    account_id = open_account(api, "Alice", 100)

    response = api.get(f"/accounts/{account_id}/statement", {"cursor": "not-a-cursor"})

    assert_problem(
        response, 400, "invalid_cursor", detail="Invalid cursor: request the first page again."
    )
