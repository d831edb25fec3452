"""POST /accounts/{id}/deposit and /withdraw."""

import pytest
from django.contrib.auth.models import Permission

from accounts import services as account_services
from accounts.models import external_account_id
from api.tests.contract import MONEY_MAX, NOWHERE, account_document, assert_problem
from transfers.models import Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(alice, funded_account):
    return funded_account(alice, 10_00)


@pytest.fixture
def cashier(make_user):
    """Return a user who isn't staff but may move cash."""
    user = make_user(username="cashier")
    user.user_permissions.add(Permission.objects.get(codename="move_cash"))
    return user


def newest_transfer() -> Transfer:
    return Transfer.objects.latest("pk")


def test_a_deposit_returns_the_account_and_the_id_of_the_transfer(api, account):
    body = {"amount": 5_00, "memo": "rent", "metadata": {"ref": "7"}}

    response = api.post(f"/accounts/{account.pk}/deposit", body)

    posted = newest_transfer()
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert "Location" not in response
    assert response.json() == {**account_document(account), "transfer_id": str(posted.pk)}
    assert (response.json()["balance"], response.json()["version"]) == (15_00, 2)
    assert (posted.kind, posted.amount, posted.currency) == ("DEPOSIT", 5_00, "USD")
    assert (posted.source_id, posted.dest_id) == (external_account_id("USD"), account.pk)
    assert (posted.memo, posted.metadata) == ("rent", {"ref": "7"})


def test_a_withdrawal_returns_the_account_and_the_id_of_the_transfer(api, account):
    response = api.post(f"/accounts/{account.pk}/withdraw", {"amount": 4_00})

    posted = newest_transfer()
    assert response.status_code == 200
    assert response.json() == {**account_document(account), "transfer_id": str(posted.pk)}
    assert (response.json()["balance"], response.json()["version"]) == (6_00, 2)
    assert (posted.kind, posted.amount, posted.currency) == ("WITHDRAWAL", 4_00, "USD")
    assert (posted.source_id, posted.dest_id) == (account.pk, external_account_id("USD"))
    assert (posted.memo, posted.metadata) == (None, {})


@pytest.mark.parametrize("action", ["deposit", "withdraw"])
def test_an_account_id_in_upper_case_is_accepted(api, account, action):
    response = api.post(f"/accounts/{str(account.pk).upper()}/{action}", {"amount": 1})

    assert response.status_code == 200
    assert response.json()["id"] == str(account.pk)


def test_the_whole_balance_can_be_withdrawn(api, account):
    response = api.post(f"/accounts/{account.pk}/withdraw", {"amount": 10_00})

    assert response.status_code == 200
    assert response.json()["balance"] == 0


def test_a_withdrawal_beyond_the_balance_is_refused_and_changes_nothing(api, account):
    before = account_document(account)

    response = api.post(f"/accounts/{account.pk}/withdraw", {"amount": 10_01})

    assert_problem(
        response,
        409,
        "insufficient_funds",
        account_id=str(account.pk),
        available=10_00,
        required=10_01,
        shortfall=1,
    )
    assert account_document(account) == before
    assert Transfer.objects.filter(kind="WITHDRAWAL").count() == 0


def test_a_withdrawal_can_use_the_whole_overdraft(api, staff, account):
    account_services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=2_00)

    within = api.post(f"/accounts/{account.pk}/withdraw", {"amount": 12_00})
    beyond = api.post(f"/accounts/{account.pk}/withdraw", {"amount": 1})

    assert within.status_code == 200
    assert (within.json()["balance"], within.json()["available"]) == (-2_00, 0)
    assert_problem(
        beyond,
        409,
        "insufficient_funds",
        account_id=str(account.pk),
        available=0,
        required=1,
        shortfall=1,
    )


def test_a_deposit_cannot_raise_a_balance_above_2_to_the_53rd_minus_1(api, alice, funded_account):
    account = funded_account(alice)

    fullest = api.post(f"/accounts/{account.pk}/deposit", {"amount": MONEY_MAX})
    beyond = api.post(f"/accounts/{account.pk}/deposit", {"amount": 1})

    assert fullest.status_code == 200
    assert fullest.json()["balance"] == 9_007_199_254_740_991
    assert_problem(
        beyond, 409, "balance_limit_exceeded", account_id=str(account.pk), limit=MONEY_MAX
    )
    assert account_document(account)["balance"] == MONEY_MAX


@pytest.mark.parametrize("action", ["deposit", "withdraw"])
@pytest.mark.parametrize("by", ["owner", "staff"])
def test_a_frozen_account_refuses_deposits_and_withdrawals(
    client_for, staff, alice, account, action, by
):
    account_services.freeze(account_id=account.pk, actor=staff)
    client = client_for({"owner": alice, "staff": staff}[by])

    response = client.post(f"/accounts/{account.pk}/{action}", {"amount": 1})

    assert_problem(response, 409, "account_frozen", account_id=str(account.pk))
    assert account_document(account)["balance"] == 10_00


@pytest.mark.parametrize("action", ["deposit", "withdraw"])
def test_a_closed_account_refuses_deposits_and_withdrawals(api, alice, funded_account, action):
    account = funded_account(alice)
    account_services.close(account_id=account.pk, actor=alice)

    response = api.post(f"/accounts/{account.pk}/{action}", {"amount": 1})

    assert_problem(response, 409, "account_closed", account_id=str(account.pk))
    assert account_document(account)["balance"] == 0


@pytest.mark.parametrize("action", ["deposit", "withdraw"])
def test_moving_the_cash_of_another_owner_is_not_found(client_for, bob, account, action):
    client = client_for(bob)

    foreign = client.post(f"/accounts/{account.pk}/{action}", {"amount": 1})
    missing = client.post(f"/accounts/{NOWHERE}/{action}", {"amount": 1})

    assert_problem(foreign, 404, "account_not_found")
    assert_problem(missing, 404, "account_not_found")
    assert foreign.content.replace(str(account.pk).encode(), b"") == missing.content.replace(
        str(NOWHERE).encode(), b""
    )
    assert account_document(account)["balance"] == 10_00


@pytest.mark.parametrize("self_service", [True, False])
@pytest.mark.parametrize(("action", "balance"), [("deposit", 10_01), ("withdraw", 9_99)])
def test_staff_and_cashiers_can_move_the_cash_of_any_account(
    client_for, staff, cashier, account, settings, self_service, action, balance
):
    settings.SELF_SERVICE_CASH = self_service

    for user, expected in ((staff, balance), (cashier, 2 * balance - 10_00)):
        response = client_for(user).post(f"/accounts/{account.pk}/{action}", {"amount": 1})

        assert response.status_code == 200
        assert response.json()["balance"] == expected
        assert newest_transfer().created_by == user


@pytest.mark.parametrize("action", ["deposit", "withdraw"])
def test_an_owner_cannot_move_cash_without_self_service(
    client_for, alice, bob, account, settings, action
):
    settings.SELF_SERVICE_CASH = False

    own = client_for(alice).post(f"/accounts/{account.pk}/{action}", {"amount": 1})
    foreign = client_for(bob).post(f"/accounts/{account.pk}/{action}", {"amount": 1})

    assert_problem(own, 403, "permission_denied")
    assert_problem(foreign, 404, "account_not_found")
    assert account_document(account)["balance"] == 10_00


def test_a_cashier_cannot_see_more_accounts_than_other_users(client_for, cashier, account):
    client = client_for(cashier)

    read = client.get(f"/accounts/{account.pk}")
    statement = client.get(f"/accounts/{account.pk}/statement")
    missing = client.post(f"/accounts/{NOWHERE}/deposit", {"amount": 1})

    for response in (read, statement, missing):
        assert_problem(response, 404, "account_not_found")
