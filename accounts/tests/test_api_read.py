"""GET /accounts and GET /accounts/{id}."""

import pytest

from accounts import services
from accounts.models import Account, external_account_id
from api.tests.contract import NOWHERE, account_document, assert_invalid, assert_problem

pytestmark = pytest.mark.django_db


def test_an_owner_can_read_their_account(api, alice, staff, funded_account):
    account = funded_account(alice, 10_00)
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=5_00)

    response = api.get(f"/accounts/{account.pk}")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == account_document(account)
    assert response.json()["available"] == 15_00


def test_staff_can_read_any_account(client_for, alice, staff, funded_account):
    account = funded_account(alice, 10_00)

    response = client_for(staff).get(f"/accounts/{account.pk}")

    assert response.status_code == 200
    assert response.json() == account_document(account)


def test_an_id_in_upper_case_finds_the_account(api, alice, funded_account):
    account = funded_account(alice)

    response = api.get(f"/accounts/{str(account.pk).upper()}")

    assert response.status_code == 200
    assert response.json() == account_document(account)


def test_another_users_account_gets_the_same_404_as_a_missing_one(api, bob, funded_account):
    account = funded_account(bob, 10_00)

    foreign = api.get(f"/accounts/{account.pk}")
    missing = api.get(f"/accounts/{NOWHERE}")

    assert_problem(foreign, 404, "account_not_found")
    assert_problem(missing, 404, "account_not_found")
    assert foreign.content.replace(str(account.pk).encode(), b"") == missing.content.replace(
        str(NOWHERE).encode(), b""
    )


@pytest.mark.parametrize(
    "path", ["x", "5", "0" * 32, f"{NOWHERE}0", f"{{{NOWHERE}}}", f"{NOWHERE}/"]
)
def test_a_path_with_a_malformed_id_is_an_unknown_url(api, path):
    response = api.get(f"/accounts/{path}")

    assert_problem(response, 404, "not_found")


def test_an_unknown_query_parameter_is_refused(api, alice, funded_account):
    account = funded_account(alice)

    response = api.get(f"/accounts/{account.pk}?limit=1")

    assert_invalid(response, ("#/limit", "unknown_parameter"))


def test_a_user_lists_their_own_accounts_newest_first(api, alice, bob, funded_account):
    first = funded_account(alice, 10_00)
    funded_account(bob, 20_00)
    second = funded_account(alice, currency="EUR")

    response = api.get("/accounts")

    assert response.status_code == 200
    assert response.json() == {
        "items": [account_document(second), account_document(first)],
        "next_cursor": None,
    }


def test_a_user_without_accounts_gets_an_empty_list(api, bob, funded_account):
    funded_account(bob)

    response = api.get("/accounts")

    assert response.status_code == 200
    assert response.json() == {"items": [], "next_cursor": None}


def test_staff_list_all_accounts_except_external_ones(
    client_for, alice, bob, staff, funded_account
):
    accounts = [funded_account(alice), funded_account(bob), funded_account(staff)]

    response = client_for(staff).get("/accounts")

    assert Account.objects.filter(pk=external_account_id("USD")).count() == 1
    assert response.json() == {
        "items": [account_document(account) for account in reversed(accounts)],
        "next_cursor": None,
    }


@pytest.mark.parametrize("count", [1, 3])
def test_listing_takes_a_constant_number_of_queries(
    api, alice, funded_account, django_assert_num_queries, count
):
    for _ in range(count):
        funded_account(alice)

    with django_assert_num_queries(2):
        response = api.get("/accounts")

    assert len(response.json()["items"]) == count


def test_an_account_can_be_read_without_a_token_where_reads_are_public(
    client_for, alice, bob, funded_account, settings
):
    settings.PUBLIC_READS = True
    account = funded_account(alice, 10_00)

    for user in (None, bob, alice):
        response = client_for(user).get(f"/accounts/{account.pk}")

        assert response.status_code == 200
        assert response.json() == account_document(account)


def test_public_reads_are_off_by_default(client_for, alice, funded_account):
    account = funded_account(alice, 10_00)

    response = client_for(None).get(f"/accounts/{account.pk}")

    assert_problem(response, 401, "not_authenticated")


def test_public_reads_allow_no_list_and_no_external_account(client_for, db, settings):
    settings.PUBLIC_READS = True

    listed = client_for(None).get("/accounts")
    external = client_for(None).get(f"/accounts/{external_account_id('USD')}")

    assert_problem(listed, 401, "not_authenticated")
    assert_problem(external, 404, "account_not_found")


def test_public_reads_refuse_a_bad_token(client_for, alice, funded_account, settings):
    settings.PUBLIC_READS = True
    account = funded_account(alice)
    client = client_for(None)
    client.credentials(HTTP_AUTHORIZATION="Bearer forged")

    response = client.get(f"/accounts/{account.pk}")

    assert_problem(response, 401, "token_not_valid")
    assert response["WWW-Authenticate"].split()[0] == "Bearer"


def test_public_reads_do_not_allow_writes(client_for, bob, alice, funded_account, settings):
    settings.PUBLIC_READS = True
    account = funded_account(alice)

    anonymous = client_for(None).patch(f"/accounts/{account.pk}", {"owner_name": "Mallory"})
    other = client_for(bob).patch(f"/accounts/{account.pk}", {"owner_name": "Mallory"})

    assert_problem(anonymous, 401, "not_authenticated")
    assert_problem(other, 404, "account_not_found")
