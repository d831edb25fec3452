"""POST /transfers/{id}/reverse."""

import pytest
from django.contrib.auth.models import Permission

from accounts import services as account_services
from accounts.models import external_account_id
from api.tests.contract import (
    NOWHERE,
    account_document,
    assert_problem,
    transfer_document,
)
from transfers import services
from transfers.models import Transfer
from transfers.tests.orders import hold_order, transfer_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def posted(alice, source, dest) -> Transfer:
    return transfer_order(source, dest, 4_00, actor=alice, memo="rent")


def test_the_owner_of_the_destination_can_reverse_a_transfer(client_for, bob, source, dest, posted):
    client = client_for(bob)

    response = client.post(f"/transfers/{posted.pk}/reverse", {"memo": "too much"})

    reversal = Transfer.objects.get(kind="REVERSAL")
    assert response.status_code == 201
    assert response["Location"] == f"/transfers/{reversal.pk}"
    assert response.json() == {
        **transfer_document(reversal),
        "source": account_document(dest),
        "dest": {"id": str(source.pk)},
    }
    assert (reversal.source_id, reversal.dest_id) == (dest.pk, source.pk)
    assert (reversal.amount, reversal.currency, reversal.memo) == (4_00, "USD", "too much")
    assert reversal.reverses_id == posted.pk
    assert account_document(source)["balance"] == 10_00
    assert account_document(dest)["balance"] == 0
    assert client.get(f"/transfers/{posted.pk}").json() == transfer_document(posted, "REVERSED")


def test_a_reversal_without_a_memo_does_not_copy_the_memo_of_its_original(client_for, bob, posted):
    response = client_for(bob).post(f"/transfers/{posted.pk}/reverse", {})

    assert (response.status_code, response.json()["memo"]) == (201, None)


def test_a_transfer_can_be_reversed_only_once(client_for, bob, source, posted):
    client = client_for(bob)
    client.post(f"/transfers/{posted.pk}/reverse", {})
    before = account_document(source)

    response = client.post(f"/transfers/{posted.pk}/reverse", {})

    assert_problem(response, 409, "already_reversed")
    assert account_document(source) == before


def test_a_reversal_that_the_destination_cannot_afford_is_refused(client_for, bob, dest, posted):
    services.withdraw(account_id=dest.pk, amount=1_00, actor=bob)
    before = account_document(dest)

    response = client_for(bob).post(f"/transfers/{posted.pk}/reverse", {})

    assert_problem(
        response,
        409,
        "insufficient_funds",
        account_id=str(dest.pk),
        available=3_00,
        required=4_00,
        shortfall=1_00,
    )
    assert account_document(dest) == before


def test_other_users_cannot_reverse_a_transfer(client_for, alice, make_user, posted):
    by_payer = client_for(alice).post(f"/transfers/{posted.pk}/reverse", {})
    by_other = client_for(make_user()).post(f"/transfers/{posted.pk}/reverse", {})
    missing = client_for(alice).post(f"/transfers/{NOWHERE}/reverse", {})

    assert_problem(by_payer, 403, "permission_denied")
    assert_problem(by_other, 404, "transfer_not_found")
    assert_problem(missing, 404, "transfer_not_found")
    assert Transfer.objects.filter(kind="REVERSAL").count() == 0


def test_staff_can_reverse_a_transfer_and_see_both_accounts(
    client_for, staff, source, dest, posted
):
    response = client_for(staff).post(f"/transfers/{posted.pk}/reverse", {})

    assert response.status_code == 201
    assert response.json()["source"] == account_document(dest)
    assert response.json()["dest"] == account_document(source)


def test_a_capture_can_be_reversed(client_for, alice, bob, source, dest):
    hold = hold_order(source, dest, 4_00, actor=alice)
    capture = services.capture(hold_id=hold.pk, actor=bob, amount=3_00)

    response = client_for(bob).post(f"/transfers/{capture.pk}/reverse", {})

    assert response.status_code == 201
    assert (response.json()["amount"], response.json()["hold_id"]) == (3_00, None)
    assert account_document(source)["balance"] == 10_00


@pytest.mark.parametrize("kind", ["HOLD", "VOID", "REVERSAL"])
def test_a_hold_void_or_reversal_cannot_be_reversed(
    client_for, staff, alice, bob, source, dest, posted, kind
):
    hold = hold_order(source, dest, 1_00, actor=alice)
    transfer = {
        "HOLD": lambda: hold,
        "VOID": lambda: services.void(hold_id=hold.pk, actor=alice),
        "REVERSAL": lambda: services.reverse(transfer_id=posted.pk, actor=bob),
    }[kind]()

    response = client_for(staff).post(f"/transfers/{transfer.pk}/reverse", {})

    assert_problem(response, 409, "not_reversible", kind=kind)


@pytest.mark.parametrize("side", ["source", "dest"])
def test_only_staff_can_reverse_a_transfer_of_a_frozen_account(
    client_for, request, bob, staff, posted, side
):
    account = request.getfixturevalue(side)
    account_services.freeze(account_id=account.pk, actor=staff)

    by_owner = client_for(bob).post(f"/transfers/{posted.pk}/reverse", {})
    by_staff = client_for(staff).post(f"/transfers/{posted.pk}/reverse", {})

    if side == "dest":
        assert_problem(by_owner, 409, "account_frozen", account_id=str(account.pk))
    else:
        assert_problem(by_owner, 409, "destination_unavailable")
    assert by_staff.status_code == 201


@pytest.mark.parametrize("who", ["bob", "staff"])
def test_nobody_can_reverse_a_transfer_of_a_closed_account(
    client_for, request, alice, source, posted, who
):
    services.withdraw(account_id=source.pk, amount=6_00, actor=alice)
    account_services.close(account_id=source.pk, actor=alice)
    client = client_for(request.getfixturevalue(who))

    response = client.post(f"/transfers/{posted.pk}/reverse", {})

    if who == "staff":
        assert_problem(response, 409, "account_closed", account_id=str(source.pk))
    else:
        assert_problem(response, 409, "destination_unavailable")


def test_an_owner_can_reverse_a_deposit_with_self_service(api, alice, source):
    deposit = services.deposit(account_id=source.pk, amount=1_00, actor=alice)

    response = api.post(f"/transfers/{deposit.pk}/reverse", {})

    reversal = Transfer.objects.get(kind="REVERSAL")
    assert response.status_code == 201
    assert response.json() == {
        **transfer_document(reversal),
        "source": account_document(source),
        "dest": {"id": str(external_account_id("USD"))},
    }
    assert account_document(source)["balance"] == 10_00


def test_an_owner_cannot_reverse_a_deposit_without_self_service(
    client_for, alice, staff, source, settings
):
    settings.SELF_SERVICE_CASH = False
    deposit = Transfer.objects.get(kind="DEPOSIT", dest=source)

    by_owner = client_for(alice).post(f"/transfers/{deposit.pk}/reverse", {})
    by_staff = client_for(staff).post(f"/transfers/{deposit.pk}/reverse", {})

    assert_problem(by_owner, 403, "permission_denied")
    assert by_staff.status_code == 201


def test_an_owner_with_the_cash_permission_can_reverse_a_deposit(
    client_for, alice, source, settings
):
    settings.SELF_SERVICE_CASH = False
    alice.user_permissions.add(Permission.objects.get(codename="move_cash"))
    deposit = Transfer.objects.get(kind="DEPOSIT", dest=source)

    response = client_for(alice).post(f"/transfers/{deposit.pk}/reverse", {})

    assert response.status_code == 201
    assert account_document(source)["balance"] == 0


def test_only_staff_can_reverse_a_withdrawal(client_for, alice, staff, source):
    withdrawal = services.withdraw(account_id=source.pk, amount=1_00, actor=alice)

    by_owner = client_for(alice).post(f"/transfers/{withdrawal.pk}/reverse", {})
    by_staff = client_for(staff).post(f"/transfers/{withdrawal.pk}/reverse", {})

    assert_problem(by_owner, 403, "permission_denied")
    assert by_staff.status_code == 201
    assert by_staff.json()["source"] == {"id": str(external_account_id("USD"))}
    assert by_staff.json()["dest"] == account_document(source)
    assert account_document(source)["balance"] == 10_00
