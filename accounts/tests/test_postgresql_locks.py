"""Which requests wait for the lock of an account. SQLite has one lock for the whole database."""

from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from api.tests.contract import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)

CHANGES = [
    ("patch", "", {"owner_name": "Mallory"}),
    ("post", "/close", {}),
    ("post", "/freeze", {}),
    ("post", "/unfreeze", {}),
]


def order_of(source: Account, dest: Account) -> dict[str, Any]:
    """Return the body of a request to transfer 1."""
    return {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk), "amount": 1}


@pytest.fixture
def locked_elsewhere(alice, funded_account):
    """Return an account of alice's that another session has locked. Waits end after a second."""
    account = funded_account(alice)
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SELECT FROM accounts_account WHERE id = %s FOR UPDATE", [account.pk])
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    yield account
    other.rollback()
    other.close()
    connection.close()


@pytest.mark.parametrize(("method", "action", "body"), CHANGES)
def test_a_user_who_may_not_see_an_account_does_not_wait_for_its_lock(
    client_for, bob, locked_elsewhere, method, action, body
):
    change = getattr(client_for(bob), method)

    response = change(f"/accounts/{locked_elsewhere.pk}{action}", body)

    assert_problem(response, 404, "account_not_found")


@pytest.mark.parametrize("name", ["alice", "staff"])
@pytest.mark.parametrize(("method", "action", "body"), CHANGES[:2])
def test_a_user_who_may_see_an_account_waits_for_its_lock(
    client_for, name, request, locked_elsewhere, method, action, body
):
    change = getattr(client_for(request.getfixturevalue(name)), method)

    response = change(f"/accounts/{locked_elsewhere.pk}{action}", body)

    assert_problem(response, 503, "temporarily_unavailable")


@pytest.fixture(params=["deposit", "withdraw", "transfer", "hold", "batch", "batch of many"])
def spend(request, locked_elsewhere, funded_account, alice, bob):
    """Return a function that sends a request to move money of the locked account."""
    theirs = funded_account(bob, 10)
    order, own = order_of(locked_elsewhere, theirs), order_of(theirs, funded_account(bob))
    path, body = {
        "deposit": (f"/accounts/{locked_elsewhere.pk}/deposit", {"amount": 1}),
        "withdraw": (f"/accounts/{locked_elsewhere.pk}/withdraw", {"amount": 1}),
        "transfer": ("/transfers", order),
        "hold": ("/transfers", {**order, "hold": True}),
        "batch": ("/transfers/batch", {"transfers": [order]}),
        "batch of many": ("/transfers/batch", {"transfers": [own, order]}),
    }[request.param]
    return lambda client: client.post(path, body)


def test_spending_from_an_account_that_the_user_may_not_see_does_not_wait(client_for, bob, spend):
    response = spend(client_for(bob))

    assert (response.status_code, response.json()["code"]) == (404, "account_not_found")


def test_spending_with_only_the_read_permission_does_not_wait_for_the_lock(
    make_user, client_for, spend
):
    reader = make_user("accounts.read_any")

    assert_problem(spend(client_for(reader)), 403, "permission_denied")


def test_spending_with_permission_waits_for_the_lock(client_for, staff, spend):
    assert_problem(spend(client_for(staff)), 503, "temporarily_unavailable")


def test_spending_by_the_owner_waits_for_the_lock(api, bob, locked_elsewhere, funded_account):
    response = api.post("/transfers", order_of(locked_elsewhere, funded_account(bob)))

    assert_problem(response, 503, "temporarily_unavailable")
