"""Holds that have expired."""

from datetime import timedelta

import pytest

from accounts import services as account_services
from api.tests.contract import (
    MONEY_MAX,
    account_document,
    assert_problem,
    instant,
    transfer_document,
)
from transfers import clock, services
from transfers.models import Transfer
from transfers.tests.orders import expired_hold, hold_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def expired(alice, source, dest) -> Transfer:
    return expired_hold(source, dest, 4_00, actor=alice)


@pytest.mark.parametrize("released", [False, True])
def test_a_hold_is_expired_from_its_expiry_on_whether_released_or_not(
    api, source, expired, released
):
    if released:
        services.release_expired_holds(source_id=source.pk)

    response = api.get(f"/transfers/{expired.pk}")

    assert response.json() == transfer_document(expired, "EXPIRED")
    assert account_document(source)["held"] == (0 if released else 4_00)


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("action", ["capture", "void"])
def test_an_expired_hold_can_no_longer_be_resolved(
    client_for, bob, source, expired, released, action
):
    if released:
        services.release_expired_holds(source_id=source.pk)
    before = account_document(source)

    response = client_for(bob).post(f"/transfers/{expired.pk}/{action}", {})

    assert_problem(response, 409, "hold_expired", expires_at=instant(expired.expires_at))
    assert account_document(source) == before


@pytest.mark.parametrize("kind", ["withdrawal", "transfer", "hold", "batch"])
def test_an_expired_hold_is_released_when_its_money_is_needed(api, source, dest, expired, kind):
    order = {
        "source_account_id": str(source.pk),
        "dest_account_id": str(dest.pk),
        "amount": 10_00,
    }
    path, body, status = {
        "withdrawal": (f"/accounts/{source.pk}/withdraw", {"amount": 10_00}, 200),
        "transfer": ("/transfers", order, 201),
        "hold": ("/transfers", {**order, "hold": True}, 201),
        "batch": ("/transfers/batch", {"transfers": [order]}, 201),
    }[kind]

    response = api.post(path, body)

    assert response.status_code == status
    assert account_document(source)["available"] == 0
    void = Transfer.objects.get(hold=expired)
    assert (void.kind, void.amount, void.created_by) == ("VOID", 4_00, None)


def test_an_expired_hold_is_released_for_a_hold_of_the_largest_amount(
    api, alice, staff, dest, funded_account
):
    rich = funded_account(alice, MONEY_MAX)
    account_services.set_overdraft_limit(account_id=rich.pk, actor=staff, limit=MONEY_MAX)
    expired = expired_hold(rich, dest, MONEY_MAX, actor=alice)
    order = {"source_account_id": str(rich.pk), "dest_account_id": str(dest.pk), "amount": 1}

    response = api.post("/transfers", {**order, "hold": True})

    assert response.status_code == 201
    assert account_document(rich)["held"] == 1
    assert Transfer.objects.get(hold=expired).kind == "VOID"


def test_a_release_is_rolled_back_if_the_posting_is_refused_anyway(api, source, expired):
    before = account_document(source)

    response = api.post(f"/accounts/{source.pk}/withdraw", {"amount": 10_01})

    assert_problem(
        response,
        409,
        "insufficient_funds",
        account_id=str(source.pk),
        available=10_00,
        required=10_01,
        shortfall=1,
    )
    assert account_document(source) == before
    assert Transfer.objects.filter(hold=expired).count() == 0


def test_the_index_of_a_refused_item_does_not_include_releases(api, source, dest, expired):
    order = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk)}
    body = {"transfers": [{**order, "amount": 7_00}, {**order, "amount": 7_00}]}

    response = api.post("/transfers/batch", body)

    assert_problem(
        response,
        409,
        "insufficient_funds",
        account_id=str(source.pk),
        available=3_00,
        required=7_00,
        shortfall=4_00,
        index=1,
        pointer="#/transfers/1",
    )
    assert account_document(source)["held"] == 4_00


@pytest.mark.parametrize(("resolved", "status"), [("capture", "CAPTURED"), ("void", "VOIDED")])
def test_a_hold_resolved_before_its_expiry_never_becomes_expired(
    client_for, alice, bob, source, dest, resolved, status
):
    hold = hold_order(source, dest, 1_00, actor=alice, expires_in=timedelta(hours=1))
    client = client_for(bob)
    assert client.post(f"/transfers/{hold.pk}/{resolved}", {}).status_code == 201

    with clock.at(hold.expires_at):
        read = client.get(f"/transfers/{hold.pk}")
        captured = client.post(f"/transfers/{hold.pk}/capture", {})
        voided = client.post(f"/transfers/{hold.pk}/void", {})

    assert read.json() == transfer_document(hold, status)
    assert_problem(captured, 409, "hold_already_resolved")
    assert_problem(voided, 409, "hold_already_resolved")
