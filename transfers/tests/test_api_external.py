"""Nobody can address an EXTERNAL account in a path, a body or a filter."""

import pytest
from django.contrib.auth.models import Permission

from accounts.models import Account, external_account_id
from api.tests.contract import NOWHERE, assert_problem
from transfers.models import Transfer

pytestmark = pytest.mark.django_db

EXTERNAL = str(external_account_id("USD"))


@pytest.fixture(params=["owner", "staff", "cashier"])
def client(request, client_for, alice, staff, make_user):
    """Return a client for each type of user."""
    cashier = make_user()
    cashier.user_permissions.add(Permission.objects.get(codename="move_cash"))
    return client_for({"owner": alice, "staff": staff, "cashier": cashier}[request.param])


@pytest.fixture
def account(client, funded_account):
    return funded_account(client.user, 10_00)


def same_as_missing(client, method: str, path: str, body: dict | None = None) -> None:
    """Assert that the response for EXTERNAL is identical to that for an unknown account."""
    answers = []
    for account_id in (EXTERNAL, str(NOWHERE)):
        members = {
            name: account_id if value == EXTERNAL else value for name, value in (body or {}).items()
        }
        send = getattr(client, method)
        arguments = [] if body is None else [members]
        answers.append(send(path.replace(EXTERNAL, account_id), *arguments))
    for answer, account_id in zip(answers, (EXTERNAL, str(NOWHERE)), strict=True):
        assert_problem(answer, 404, "account_not_found")
        answer.content = answer.content.replace(account_id.encode(), b"")
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("action", ["", "/statement", "/balance"])
def test_the_external_account_cannot_be_read(client, action):
    same_as_missing(client, "get", f"/accounts/{EXTERNAL}{action}")


def test_the_description_of_the_external_account_cannot_be_changed(client):
    same_as_missing(client, "patch", f"/accounts/{EXTERNAL}", {"owner_name": "Mallory"})

    assert Account.objects.get(pk=EXTERNAL).owner_name == "External USD"


@pytest.mark.parametrize("action", ["deposit", "withdraw"])
def test_the_external_account_refuses_deposits_and_withdrawals(client, action):
    same_as_missing(client, "post", f"/accounts/{EXTERNAL}/{action}", {"amount": 1})


def test_the_external_account_cannot_be_closed(client):
    same_as_missing(client, "post", f"/accounts/{EXTERNAL}/close", {})

    assert Account.objects.get(pk=EXTERNAL).status == "OPEN"


@pytest.mark.parametrize("action", ["freeze", "unfreeze"])
def test_staff_cannot_freeze_the_external_account(client_for, staff, action):
    same_as_missing(client_for(staff), "post", f"/accounts/{EXTERNAL}/{action}", {})

    assert Account.objects.get(pk=EXTERNAL).status == "OPEN"


@pytest.mark.parametrize("member", [{}, {"hold": True}])
@pytest.mark.parametrize("side", ["source", "dest"])
def test_the_external_account_cannot_take_part_in_a_transfer_or_a_hold(
    client, account, side, member
):
    body = {"source_account_id": str(account.pk), "dest_account_id": str(account.pk), "amount": 1}

    same_as_missing(
        client, "post", "/transfers", {**body, f"{side}_account_id": EXTERNAL, **member}
    )

    assert Transfer.objects.exclude(kind="DEPOSIT").count() == 0


@pytest.mark.parametrize("side", ["source", "dest"])
def test_the_external_account_cannot_take_part_in_a_batch(client, account, side):
    parties = {"source_account_id": str(account.pk), "dest_account_id": str(account.pk)}
    order = {**parties, f"{side}_account_id": EXTERNAL, "amount": 1}

    response = client.post("/transfers/batch", {"transfers": [order]})

    assert_problem(response, 404, "account_not_found", index=0, pointer="#/transfers/0")
    assert Transfer.objects.exclude(kind="DEPOSIT").count() == 0


def test_transfers_cannot_be_filtered_by_the_external_account(client, account):
    same_as_missing(client, "get", f"/transfers?account_id={EXTERNAL}")


def test_the_external_account_is_not_listed(client, account):
    response = client.get("/accounts", {"owner_name": "External USD"})

    assert response.json() == {"items": [], "next_cursor": None}


def test_the_external_account_has_no_csv_statement(client):
    response = client.get(f"/accounts/{EXTERNAL}/statement", headers={"Accept": "text/csv"})

    assert_problem(response, 404, "account_not_found")


@pytest.mark.parametrize("path", [f"/accounts/{EXTERNAL}", f"/accounts/{EXTERNAL}/statement"])
def test_the_external_account_cannot_be_read_with_public_reads(client_for, db, settings, path):
    settings.PUBLIC_READS = True

    same_as_missing(client_for(None), "get", path)
