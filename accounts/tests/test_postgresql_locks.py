"""Who waits for the lock of an account. (SQLite has one lock for all of its tables.)"""

import pytest
from django.db import connection

from api.tests.contract import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)

CHANGES = [
    ("patch", "", {"owner_name": "Mallory"}),
    ("post", "/close", {}),
    ("post", "/freeze", {}),
    ("post", "/unfreeze", {}),
]


@pytest.fixture
def locked_elsewhere(alice, funded_account):
    """An account of alice's that another session has locked; nobody waits long for it."""
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
def test_a_stranger_does_not_wait_for_the_lock_of_an_account(
    client_for, bob, locked_elsewhere, method, action, body
):
    change = getattr(client_for(bob), method)

    response = change(f"/accounts/{locked_elsewhere.pk}{action}", body)

    assert_problem(response, 404, "account_not_found")


@pytest.mark.parametrize("name", ["alice", "staff"])
@pytest.mark.parametrize(("method", "action", "body"), CHANGES[:2])
def test_whoever_may_see_the_account_waits_for_its_lock(
    client_for, name, request, locked_elsewhere, method, action, body
):
    change = getattr(client_for(request.getfixturevalue(name)), method)

    response = change(f"/accounts/{locked_elsewhere.pk}{action}", body)

    assert_problem(response, 503, "temporarily_unavailable")
