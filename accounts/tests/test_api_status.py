"""POST /accounts/{id}/close, /freeze and /unfreeze."""

import pytest

from accounts import services
from api.tests.contract import (
    JSON,
    NOWHERE,
    account_document,
    assert_invalid,
    assert_problem,
)
from transfers.tests.orders import hold_order

pytestmark = pytest.mark.django_db


def test_an_owner_closes_an_empty_account(api, alice, funded_account):
    account = funded_account(alice)
    before = account_document(account)

    response = api.post(f"/accounts/{account.pk}/close", {})

    assert response.status_code == 200
    assert response.json() == {**before, "status": "CLOSED"} == account_document(account)
    changes = account.changes.values_list("actor", "action", "before", "after")
    assert list(changes) == [(alice.pk, "CLOSE", "OPEN", "CLOSED")]


def test_closing_a_closed_account_again_changes_nothing(api, alice, funded_account):
    account = funded_account(alice)
    first = api.post(f"/accounts/{account.pk}/close", {})

    second = api.post(f"/accounts/{account.pk}/close", {})

    assert second.status_code == 200
    assert second.json() == first.json()
    assert account.changes.count() == 1


def test_an_account_with_a_balance_cannot_be_closed(api, alice, funded_account):
    account = funded_account(alice, 10_00)
    before = account_document(account)

    response = api.post(f"/accounts/{account.pk}/close", {})

    assert_problem(
        response, 409, "account_not_empty", account_id=str(account.pk), balance=10_00, held=0
    )
    assert account_document(account) == before


def test_an_account_with_a_hold_cannot_be_closed(api, alice, bob, staff, funded_account):
    account = funded_account(alice)
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=100)
    hold_order(account, funded_account(bob), 40, actor=alice)

    response = api.post(f"/accounts/{account.pk}/close", {})

    assert_problem(
        response, 409, "account_not_empty", account_id=str(account.pk), balance=0, held=40
    )


def test_a_frozen_account_cannot_be_closed(api, alice, staff, funded_account):
    account = funded_account(alice)
    services.freeze(account_id=account.pk, actor=staff)

    response = api.post(f"/accounts/{account.pk}/close", {})

    assert_problem(response, 409, "account_frozen", account_id=str(account.pk))
    assert account_document(account)["status"] == "FROZEN"


def test_staff_freeze_and_unfreeze_an_account(client_for, alice, staff, funded_account):
    account = funded_account(alice, 10_00)
    before = account_document(account)
    client = client_for(staff)

    frozen = client.post(f"/accounts/{account.pk}/freeze", {})
    thawed = client.post(f"/accounts/{account.pk}/unfreeze", {})

    assert (frozen.status_code, thawed.status_code) == (200, 200)
    assert frozen.json() == {**before, "status": "FROZEN"}
    assert thawed.json() == before == account_document(account)
    changes = account.changes.order_by("pk").values_list("actor", "action", "before", "after")
    assert list(changes) == [
        (staff.pk, "FREEZE", "OPEN", "FROZEN"),
        (staff.pk, "UNFREEZE", "FROZEN", "OPEN"),
    ]


@pytest.mark.parametrize(("action", "status"), [("freeze", "FROZEN"), ("unfreeze", "OPEN")])
def test_freezing_or_unfreezing_twice_changes_nothing(
    client_for, alice, staff, funded_account, action, status
):
    account = funded_account(alice)
    client = client_for(staff)
    client.post(f"/accounts/{account.pk}/{action}", {})
    recorded = account.changes.count()

    response = client.post(f"/accounts/{account.pk}/{action}", {})

    assert response.status_code == 200
    assert response.json() == account_document(account)
    assert response.json()["status"] == status
    assert account.changes.count() == recorded


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("Card stolen", "Card stolen"),
        (" \tCard stolen\n ", "Card stolen"),
        ("x" * 200, "x" * 200),
        ("", ""),
        (" ", ""),
    ],
)
def test_the_reason_for_a_change_of_status_is_recorded(
    client_for, alice, staff, funded_account, reason, kept
):
    account = funded_account(alice)
    client = client_for(staff)

    statuses = [
        client.post(f"/accounts/{account.pk}/{action}", {"reason": reason}).json()["status"]
        for action in ("freeze", "unfreeze", "close")
    ]

    assert statuses == ["FROZEN", "OPEN", "CLOSED"]
    assert list(account.changes.order_by("pk").values_list("action", "reason")) == [
        ("FREEZE", kept),
        ("UNFREEZE", kept),
        ("CLOSE", kept),
    ]


@pytest.mark.parametrize("action", ["freeze", "unfreeze", "close"])
@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("x" * 201, "max_length"),
        ("a\0b", "null_characters_not_allowed"),
        (None, "null"),
        (5, "invalid"),
        (True, "invalid"),
        (["x"], "invalid"),
    ],
)
def test_an_invalid_reason_is_refused(
    client_for, alice, staff, funded_account, action, reason, code
):
    account = funded_account(alice)

    response = client_for(staff).post(f"/accounts/{account.pk}/{action}", {"reason": reason})

    assert_invalid(response, ("#/reason", code))
    assert account.changes.count() == 0


@pytest.mark.parametrize("action", ["freeze", "unfreeze"])
def test_a_closed_account_stays_closed(client_for, alice, staff, funded_account, action):
    account = funded_account(alice)
    services.close(account_id=account.pk, actor=alice)

    response = client_for(staff).post(f"/accounts/{account.pk}/{action}", {})

    assert_problem(response, 409, "account_closed", account_id=str(account.pk))
    assert account_document(account)["status"] == "CLOSED"


@pytest.mark.parametrize("action", ["freeze", "unfreeze"])
def test_an_owner_without_the_permission_cannot_freeze_their_account(
    api, alice, bob, funded_account, action
):
    own, foreign = funded_account(alice), funded_account(bob)

    response = api.post(f"/accounts/{own.pk}/{action}", {})
    unseen = [api.post(f"/accounts/{each}/{action}", {}) for each in (foreign.pk, NOWHERE)]

    detail = "This requires the permission accounts.freeze."
    assert_problem(response, 403, "permission_denied", detail=detail)
    for each in unseen:
        assert_problem(each, 404, "account_not_found")
    assert account_document(own)["status"] == "OPEN"


@pytest.mark.parametrize("action", ["freeze", "unfreeze"])
def test_the_body_of_a_freeze_is_validated_before_the_permission(
    api, alice, funded_account, action
):
    path = f"/accounts/{funded_account(alice).pk}/{action}"

    unknown = api.post(path, {"why": "x"})
    broken = api.post(path, b"{", content_type=JSON)
    text = api.post(path, b"{}", content_type="text/plain")

    assert_invalid(unknown, ("#/why", "unknown_field"))
    assert_problem(broken, 400, "malformed_json")
    assert_problem(text, 415, "unsupported_media_type")


@pytest.mark.parametrize("action", ["close", "freeze", "unfreeze"])
def test_changing_the_status_of_a_missing_account_is_404_for_staff(client_for, staff, action):
    response = client_for(staff).post(f"/accounts/{NOWHERE}/{action}", {})

    assert_problem(response, 404, "account_not_found")


def test_another_users_account_cannot_be_closed(api, bob, funded_account):
    account = funded_account(bob)

    response = api.post(f"/accounts/{account.pk}/close", {})

    assert_problem(response, 404, "account_not_found")
    assert account_document(account)["status"] == "OPEN"


@pytest.mark.parametrize("action", ["close", "freeze", "unfreeze"])
def test_a_change_of_status_refuses_unknown_members(
    client_for, alice, staff, funded_account, action
):
    account = funded_account(alice)

    response = client_for(staff).post(f"/accounts/{account.pk}/{action}", {"status": "CLOSED"})

    assert_invalid(response, ("#/status", "unknown_field"))
    assert account_document(account)["status"] == "OPEN"
