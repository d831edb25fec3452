"""PATCH /accounts/{id}."""

import pytest

from accounts import services
from accounts.models import AccountChange
from api.tests.contract import NOWHERE, account_document, assert_invalid, assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(alice, funded_account):
    return funded_account(alice, 10_00, owner_name="Alice", metadata={"a": "1", "b": "2"})


def test_renaming_an_account_changes_only_its_name(api, alice, account):
    before = account_document(account)

    response = api.patch(f"/accounts/{account.pk}", {"owner_name": "  Alice Smith "})

    assert response.status_code == 200
    assert response.json() == {**before, "owner_name": "Alice Smith"}
    assert account_document(account) == response.json()
    changes = account.changes.values_list("actor", "action", "before", "after")
    assert list(changes) == [(alice.pk, "RENAME", "Alice", "Alice Smith")]


def test_metadata_is_replaced_as_a_whole(api, account):
    before = account_document(account)

    response = api.patch(f"/accounts/{account.pk}", {"metadata": {"b": "3"}})

    assert response.status_code == 200
    assert response.json() == {**before, "metadata": {"b": "3"}}
    assert account_document(account) == response.json()


def test_empty_metadata_clears_it(api, account):
    response = api.patch(f"/accounts/{account.pk}", {"metadata": {}})

    assert response.status_code == 200
    assert response.json()["metadata"] == {}


def test_an_empty_update_changes_nothing(api, account):
    before = account_document(account)

    response = api.patch(f"/accounts/{account.pk}", {})

    assert response.status_code == 200
    assert response.json() == before == account_document(account)


def test_an_update_to_the_same_name_is_not_recorded(api, account):
    response = api.patch(f"/accounts/{account.pk}", {"owner_name": "Alice"})

    assert response.status_code == 200
    assert AccountChange.objects.count() == 0


def test_staff_can_rename_any_account(client_for, staff, account):
    response = client_for(staff).patch(f"/accounts/{account.pk}", {"owner_name": "Alice Jones"})

    assert response.status_code == 200
    assert response.json() == account_document(account)
    assert response.json()["owner_name"] == "Alice Jones"
    assert account.changes.get().actor == staff


@pytest.mark.parametrize("state", ["FROZEN", "CLOSED"])
def test_an_account_can_be_updated_in_any_status(api, alice, staff, funded_account, state):
    account = funded_account(alice)
    change = services.freeze if state == "FROZEN" else services.close
    change(account_id=account.pk, actor=staff)

    response = api.patch(f"/accounts/{account.pk}", {"owner_name": "New", "metadata": {"a": "b"}})

    assert response.status_code == 200
    assert response.json() == account_document(account)
    assert response.json()["status"] == state
    assert response.json()["owner_name"] == "New"
    assert response.json()["metadata"] == {"a": "b"}


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"owner_name": ""}, "#/owner_name", "blank"),
        ({"owner_name": "  "}, "#/owner_name", "blank"),
        ({"owner_name": "x" * 201}, "#/owner_name", "max_length"),
        ({"owner_name": None}, "#/owner_name", "null"),
        ({"owner_name": 5}, "#/owner_name", "invalid"),
        ({"owner_name": "\0"}, "#/owner_name", "null_characters_not_allowed"),
        ({"metadata": None}, "#/metadata", "null"),
        ({"metadata": {"a": 5}}, "#/metadata/a", "invalid"),
        ({"metadata": {str(i): "" for i in range(21)}}, "#/metadata", "invalid"),
        ({"currency": "EUR"}, "#/currency", "unknown_field"),
        ({"status": "FROZEN"}, "#/status", "unknown_field"),
        ({"balance": 1_000_000}, "#/balance", "unknown_field"),
        ({"overdraft_limit": 1_000_000}, "#/overdraft_limit", "unknown_field"),
        ({"owner": 1}, "#/owner", "unknown_field"),
    ],
)
def test_an_invalid_update_is_refused_and_changes_nothing(api, account, body, pointer, code):
    before = account_document(account)

    response = api.patch(f"/accounts/{account.pk}", body)

    assert_invalid(response, (pointer, code))
    assert account_document(account) == before


@pytest.mark.parametrize("owner", ["bob", None])
def test_updating_an_account_that_the_user_may_not_see_is_404(api, bob, funded_account, owner):
    account = funded_account(bob)
    account_id = account.pk if owner else NOWHERE
    before = account_document(account)

    response = api.patch(f"/accounts/{account_id}", {"owner_name": "Mallory"})

    assert_problem(response, 404, "account_not_found")
    assert account_document(account) == before
