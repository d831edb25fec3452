"""POST /transfers/{id}/capture and /void."""

import pytest

from accounts import services as account_services
from api.tests.contract import (
    NOWHERE,
    account_document,
    assert_invalid,
    assert_problem,
    transfer_document,
)
from transfers import services
from transfers.models import LedgerEntry, Transfer
from transfers.tests.orders import hold_order, transfer_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(alice, source, dest) -> Transfer:
    return hold_order(source, dest, 4_00, actor=alice)


def status_of(client, transfer: Transfer) -> str:
    return client.get(f"/transfers/{transfer.pk}").json()["status"]


@pytest.mark.parametrize(
    ("body", "memo"),
    [
        ({}, "Room 12"),
        ({"memo": None}, "Room 12"),
        ({"memo": "Minibar", "amount": 1_00}, "Minibar"),
        ({"memo": ""}, ""),
        ({"memo": "x" * 140}, "x" * 140),
    ],
)
def test_a_capture_without_a_memo_has_the_memo_of_its_hold(
    client_for, bob, alice, source, dest, body, memo
):
    held = hold_order(source, dest, 4_00, actor=alice, memo="Room 12")

    response = client_for(bob).post(f"/transfers/{held.pk}/capture", body)

    line = client_for(bob).get(f"/accounts/{dest.pk}/statement").json()["items"][0]
    assert response.status_code == 201
    assert (response.json()["memo"], line["ref"]) == (memo, memo)


@pytest.mark.parametrize(
    ("memo", "code"),
    [
        ("x" * 141, "max_length"),
        ("a\0b", "null_characters_not_allowed"),
        (5, "invalid"),
        (["x"], "invalid"),
    ],
)
def test_a_capture_with_an_invalid_memo_is_refused(client_for, bob, held, memo, code):
    response = client_for(bob).post(f"/transfers/{held.pk}/capture", {"memo": memo})

    assert_invalid(response, ("#/memo", code))


@pytest.mark.parametrize(
    ("body", "amount"), [({}, 4_00), ({"amount": 4_00}, 4_00), ({"amount": 1}, 1)]
)
def test_a_capture_moves_the_money_and_releases_the_rest(
    client_for, bob, source, dest, held, body, amount
):
    client = client_for(bob)

    response = client.post(f"/transfers/{held.pk}/capture", body)

    capture = Transfer.objects.get(kind="CAPTURE")
    assert response.status_code == 201
    assert response["Location"] == f"/transfers/{capture.pk}"
    assert response.json() == {
        **transfer_document(capture),
        "source": {"id": str(source.pk)},
        "dest": account_document(dest),
    }
    assert (capture.hold_id, capture.amount) == (held.pk, amount)
    assert (capture.source_id, capture.dest_id) == (source.pk, dest.pk)
    assert account_document(dest)["balance"] == amount
    after = account_document(source)
    assert (after["balance"], after["held"]) == (10_00 - amount, 0)
    assert status_of(client, held) == "CAPTURED"


def test_a_capture_of_more_than_is_held_is_refused(client_for, bob, source, held):
    before = account_document(source)

    response = client_for(bob).post(f"/transfers/{held.pk}/capture", {"amount": 4_01})

    assert_problem(response, 409, "capture_exceeds_hold", held=4_00, requested=4_01)
    assert account_document(source) == before


def test_the_owner_of_the_source_cannot_capture_a_hold(client_for, alice, make_user, held):
    by_source = client_for(alice).post(f"/transfers/{held.pk}/capture", {})
    by_other = client_for(make_user()).post(f"/transfers/{held.pk}/capture", {})

    assert_problem(by_source, 403, "permission_denied")
    assert_problem(by_other, 404, "transfer_not_found")
    assert Transfer.objects.filter(kind="CAPTURE").count() == 0


def test_staff_can_capture_any_hold_and_see_both_accounts(client_for, staff, source, dest, held):
    response = client_for(staff).post(f"/transfers/{held.pk}/capture", {})

    assert response.status_code == 201
    assert response.json()["source"] == account_document(source)
    assert response.json()["dest"] == account_document(dest)


@pytest.mark.parametrize("who", ["alice", "bob", "staff"])
def test_either_owner_and_staff_can_void_a_hold(client_for, request, source, dest, held, who):
    client = client_for(request.getfixturevalue(who))
    seen = {
        "source": account_document if who != "bob" else lambda account: {"id": str(account.pk)},
        "dest": account_document if who != "alice" else lambda account: {"id": str(account.pk)},
    }

    response = client.post(f"/transfers/{held.pk}/void", {})

    void = Transfer.objects.get(kind="VOID")
    assert response.status_code == 201
    assert response["Location"] == f"/transfers/{void.pk}"
    assert response.json() == {
        **transfer_document(void),
        "source": seen["source"](source),
        "dest": seen["dest"](dest),
    }
    assert (void.hold_id, void.amount) == (held.pk, 4_00)
    assert (void.source_id, void.dest_id) == (source.pk, dest.pk)
    after = account_document(source)
    assert (after["balance"], after["held"], after["available"]) == (10_00, 0, 10_00)
    assert account_document(dest)["balance"] == 0
    assert LedgerEntry.objects.filter(transfer=void).count() == 0
    assert status_of(client, held) == "VOIDED"


@pytest.mark.parametrize("first", ["capture", "void"])
@pytest.mark.parametrize("second", ["capture", "void"])
def test_a_hold_can_be_resolved_only_once(client_for, bob, source, held, first, second):
    client = client_for(bob)
    client.post(f"/transfers/{held.pk}/{first}", {})
    before = account_document(source)

    response = client.post(f"/transfers/{held.pk}/{second}", {})

    assert_problem(response, 409, "hold_already_resolved")
    assert account_document(source) == before


@pytest.mark.parametrize("action", ["capture", "void"])
def test_only_a_hold_can_be_captured_or_voided(client_for, alice, bob, source, dest, action):
    posted = transfer_order(source, dest, 1_00, actor=alice)

    response = client_for(bob).post(f"/transfers/{posted.pk}/{action}", {})

    assert_problem(response, 409, "not_a_hold", kind="TRANSFER")


@pytest.mark.parametrize("action", ["capture", "void"])
def test_the_hold_of_other_owners_is_not_found(client_for, make_user, held, action):
    client = client_for(make_user())

    foreign = client.post(f"/transfers/{held.pk}/{action}", {})
    missing = client.post(f"/transfers/{NOWHERE}/{action}", {})

    assert_problem(foreign, 404, "transfer_not_found")
    assert foreign.content.replace(str(held.pk).encode(), b"") == missing.content.replace(
        str(NOWHERE).encode(), b""
    )


@pytest.mark.parametrize("side", ["source", "dest"])
def test_a_frozen_account_prevents_a_capture_but_not_a_void(
    client_for, request, bob, staff, held, side
):
    account = request.getfixturevalue(side)
    account_services.freeze(account_id=account.pk, actor=staff)
    client = client_for(bob)

    captured = client.post(f"/transfers/{held.pk}/capture", {})
    voided = client.post(f"/transfers/{held.pk}/void", {})

    if side == "dest":
        assert_problem(captured, 409, "account_frozen", account_id=str(account.pk))
    else:
        assert_problem(captured, 409, "destination_unavailable")
    assert voided.status_code == 201


def test_a_hold_whose_dest_is_closed_can_only_be_voided(client_for, bob, dest, held):
    account_services.close(account_id=dest.pk, actor=bob)
    client = client_for(bob)

    captured = client.post(f"/transfers/{held.pk}/capture", {})
    voided = client.post(f"/transfers/{held.pk}/void", {})

    assert_problem(captured, 409, "account_closed", account_id=str(dest.pk))
    assert voided.status_code == 201


@pytest.mark.parametrize("member", ["amount", "memo", "reason"])
def test_a_void_refuses_any_member_in_its_body(api, held, member):
    response = api.post(f"/transfers/{held.pk}/void", {member: 1})

    assert_invalid(response, (f"#/{member}", "unknown_field"))
    assert services.void(hold_id=held.pk, actor=held.created_by).kind == "VOID"
