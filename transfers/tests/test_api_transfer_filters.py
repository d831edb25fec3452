"""GET /transfers by account, kind, status and time."""

from datetime import timedelta
from itertools import chain

import pytest

from accounts.models import external_account_id
from api.tests.contract import (
    NOWHERE,
    assert_invalid,
    assert_problem,
    instant,
    transfer_document,
)
from transfers import services
from transfers.models import Transfer
from transfers.tests.orders import expired_hold, hold_order, transfer_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def dest(bob, funded_account):
    return funded_account(bob, 10_00)


def ids(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_transfers_can_be_filtered_by_source_or_destination(
    api, alice, funded_account, source, dest
):
    savings = funded_account(alice)
    out = transfer_order(source, savings, 1_00, actor=alice)
    back = transfer_order(savings, source, 50, actor=alice)
    transfer_order(source, dest, 1_00, actor=alice)

    response = api.get("/transfers", {"account_id": str(savings.pk)})
    in_upper_case = api.get("/transfers", {"account_id": str(savings.pk).upper()})

    assert ids(response) == [str(back.pk), str(out.pk)]
    assert ids(in_upper_case) == ids(response)


@pytest.mark.parametrize("query", ["", "&kind=TRANSFER", "&status=POSTED"])
def test_filtering_by_the_account_of_another_owner_is_not_found(api, alice, source, dest, query):
    transfer_order(source, dest, 1_00, actor=alice)

    foreign = api.get(f"/transfers?account_id={dest.pk}{query}")
    missing = api.get(f"/transfers?account_id={NOWHERE}{query}")

    assert_problem(foreign, 404, "account_not_found")
    assert_problem(missing, 404, "account_not_found")
    assert foreign.content.replace(str(dest.pk).encode(), b"") == missing.content.replace(
        str(NOWHERE).encode(), b""
    )


def test_staff_can_filter_by_any_account_but_an_external_one(client_for, staff, source):
    client = client_for(staff)

    customer = client.get("/transfers", {"account_id": str(source.pk)})
    external = client.get("/transfers", {"account_id": str(external_account_id("USD"))})

    assert len(ids(customer)) == 1
    assert_problem(external, 404, "account_not_found")


@pytest.fixture
def one_of_each(alice, bob, staff, source, dest) -> dict[str, Transfer]:
    """Transfers of each kind and status from or to accounts of alice."""
    made = {"DEPOSIT": Transfer.objects.get(dest=source)}
    made["WITHDRAWAL"] = services.withdraw(account_id=source.pk, amount=1, actor=alice)
    made["POSTED"] = transfer_order(source, dest, 10, actor=alice)
    made["REVERSED"] = transfer_order(source, dest, 10, actor=alice)
    made["REVERSAL"] = services.reverse(transfer_id=made["REVERSED"].pk, actor=bob)
    made["PENDING"] = hold_order(source, dest, 10, actor=alice)
    made["CAPTURED"] = hold_order(source, dest, 10, actor=alice)
    made["CAPTURE"] = services.capture(hold_id=made["CAPTURED"].pk, actor=bob)
    made["VOIDED"] = hold_order(source, dest, 10, actor=alice)
    made["VOID"] = services.void(hold_id=made["VOIDED"].pk, actor=bob)
    made["EXPIRED"] = expired_hold(source, dest, 10, actor=alice)
    made["RELEASED"] = expired_hold(source, dest, 10, actor=alice)
    services.release_expired_holds(source_id=source.pk)
    return made


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("DEPOSIT", ["DEPOSIT"]),
        ("WITHDRAWAL", ["WITHDRAWAL"]),
        ("TRANSFER", ["REVERSED", "POSTED"]),
        ("REVERSAL", ["REVERSAL"]),
        ("HOLD", ["RELEASED", "EXPIRED", "VOIDED", "CAPTURED", "PENDING"]),
        ("CAPTURE", ["CAPTURE"]),
    ],
)
def test_transfers_can_be_filtered_by_kind(api, one_of_each, kind, names):
    response = api.get("/transfers", {"kind": kind})

    assert ids(response) == [str(one_of_each[name].pk) for name in names]


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("PENDING", ["PENDING"]),
        ("CAPTURED", ["CAPTURED"]),
        ("VOIDED", ["VOIDED"]),
        ("EXPIRED", ["RELEASED", "EXPIRED"]),
        ("REVERSED", ["REVERSED"]),
    ],
)
def test_transfers_can_be_filtered_by_status(api, one_of_each, status, names):
    response = api.get("/transfers", {"status": status})

    assert response.json() == {
        "items": [transfer_document(one_of_each[name], status) for name in names],
        "next_cursor": None,
    }


def test_every_transfer_has_exactly_one_status(api, one_of_each):
    statuses = ["POSTED", "REVERSED", "PENDING", "CAPTURED", "VOIDED", "EXPIRED"]

    narrowed = [ids(api.get("/transfers", {"status": status})) for status in statuses]
    shown = api.get("/transfers").json()["items"]

    assert sorted(chain.from_iterable(narrowed)) == sorted(item["id"] for item in shown)
    for status, found in zip(statuses, narrowed, strict=True):
        assert [item["id"] for item in shown if item["status"] == status] == found


def test_transfers_can_be_filtered_by_time_with_from_inclusive_and_to_exclusive(
    api, alice, source, dest
):
    first, second, third = [transfer_order(source, dest, 1, actor=alice) for _ in range(3)]

    since = api.get("/transfers", {"from": instant(second.created_at), "kind": "TRANSFER"})
    until = api.get("/transfers", {"to": instant(second.created_at), "kind": "TRANSFER"})
    both = api.get(
        "/transfers", {"from": instant(first.created_at), "to": instant(third.created_at)}
    )

    assert ids(since) == [str(third.pk), str(second.pk)]
    assert ids(until) == [str(first.pk)]
    assert ids(both) == [str(second.pk), str(first.pk)]


def test_the_offset_of_an_instant_is_respected(api, alice, source, dest):
    posted = transfer_order(source, dest, 1, actor=alice)
    elsewhere = posted.created_at + timedelta(hours=5, minutes=30)

    response = api.get(
        "/transfers", {"from": f"{elsewhere:%Y-%m-%dT%H:%M:%S.%f}+05:30", "kind": "TRANSFER"}
    )

    assert ids(response) == [str(posted.pk)]


def test_the_filter_applies_to_every_page(api, alice, source, dest):
    made = []
    for _ in range(3):
        made.append(str(transfer_order(source, dest, 1, actor=alice).pk))
        services.deposit(account_id=source.pk, amount=1, actor=alice)
    query = {"kind": "TRANSFER", "account_id": str(source.pk), "limit": 2}

    first = api.get("/transfers", query)
    second = api.get("/transfers", {**query, "cursor": first.json()["next_cursor"]})

    assert ids(first) + ids(second) == made[::-1]
    assert second.json()["next_cursor"] is None


@pytest.mark.parametrize(
    "query", [{}, {"kind": "DEPOSIT"}, {"kind": "TRANSFER", "status": "POSTED"}]
)
def test_a_cursor_of_other_filters_is_refused(api, alice, source, dest, query):
    for _ in range(2):
        transfer_order(source, dest, 1, actor=alice)
    first = api.get("/transfers", {"kind": "TRANSFER", "limit": 1})

    response = api.get("/transfers", {**query, "cursor": first.json()["next_cursor"]})

    assert_problem(
        response, 400, "invalid_cursor", detail="Invalid cursor: request the first page again."
    )


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("account_id=x", "#/account_id", "invalid"),
        ("account_id=5", "#/account_id", "invalid"),
        ("account_id=%00", "#/account_id", "invalid"),
        ("kind=transfer", "#/kind", "invalid_choice"),
        ("kind=SALE", "#/kind", "invalid_choice"),
        ("status=posted", "#/status", "invalid_choice"),
        ("status=OPEN", "#/status", "invalid_choice"),
        ("account_id=", "#/account_id", "empty_parameter"),
        ("account_id=%20", "#/account_id", "empty_parameter"),
        # Only the form that is accepted in bodies.
        (f"account_id={NOWHERE.hex}", "#/account_id", "invalid"),
        (f"account_id={{{NOWHERE}}}", "#/account_id", "invalid"),
        (f"account_id=urn:uuid:{NOWHERE}", "#/account_id", "invalid"),
        ("kind=", "#/kind", "empty_parameter"),
        ("from=", "#/from", "empty_parameter"),
        ("kind=HOLD&kind=HOLD", "#/kind", "repeated_parameter"),
        ("to=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "#/to", "repeated_parameter"),
        ("amount=5", "#/amount", "unknown_parameter"),
        ("currency=USD", "#/currency", "unknown_parameter"),
    ],
)
def test_an_invalid_query_is_refused(api, query, pointer, code):
    response = api.get(f"/transfers?{query}")

    assert_invalid(response, (pointer, code))


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("kind", "DEPOSIT, WITHDRAWAL, TRANSFER, HOLD, CAPTURE, VOID, REVERSAL"),
        ("status", "POSTED, REVERSED, PENDING, CAPTURED, VOIDED, EXPIRED"),
    ],
)
def test_an_invalid_choice_is_refused_with_the_valid_ones(api, name, choices):
    response = api.get(f"/transfers?{name}=open")

    detail = f'"open" is not a valid choice. Send one of {choices}.'
    assert response.json()["errors"] == [
        {"pointer": f"#/{name}", "code": "invalid_choice", "detail": detail}
    ]
