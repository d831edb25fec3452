"""POST /transfers with ``hold``."""

from datetime import timedelta

import pytest

from api.tests.contract import (
    account_document,
    assert_invalid,
    assert_problem,
    transfer_document,
)
from transfers.models import LedgerEntry, Transfer
from transfers.tests.orders import hold_order

pytestmark = pytest.mark.django_db

DAY = 24 * 60 * 60


@pytest.fixture
def held(alice, source, dest) -> Transfer:
    return hold_order(source, dest, 4_00, actor=alice)


@pytest.fixture
def order(source, dest):
    parties = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk)}
    return lambda **members: {**parties, "amount": 4_00, **members}


def test_a_hold_reserves_money_without_moving_it(api, source, dest, order):
    response = api.post("/transfers", order(hold=True, memo="room", metadata={"a": "b"}))

    hold = Transfer.objects.get(kind="HOLD")
    assert response.status_code == 201
    assert response["Location"] == f"/transfers/{hold.pk}"
    assert response.json() == {
        **transfer_document(hold, "PENDING"),
        "source": account_document(source),
        "dest": {"id": str(dest.pk)},
    }
    assert (hold.memo, hold.metadata) == ("room", {"a": "b"})
    now = response.json()["source"]
    assert (now["balance"], now["held"], now["available"], now["version"]) == (10_00, 4_00, 6_00, 1)
    assert account_document(dest)["balance"] == 0
    assert LedgerEntry.objects.filter(transfer=hold).count() == 0


@pytest.mark.parametrize(
    ("member", "lifetime"),
    [
        ({}, timedelta(days=7)),
        ({"expires_in": 1}, timedelta(seconds=1)),
        ({"expires_in": 31 * DAY}, timedelta(days=31)),
    ],
)
def test_a_hold_expires_after_7_days_or_the_requested_time(api, order, member, lifetime):
    response = api.post("/transfers", order(hold=True, **member))

    hold = Transfer.objects.get(kind="HOLD")
    assert response.json() == {**response.json(), **transfer_document(hold, "PENDING")}
    assert hold.expires_at - hold.created_at == lifetime


@pytest.mark.parametrize(
    ("expires_in", "code"),
    [
        (0, "min_value"),
        (-1, "min_value"),
        (31 * DAY + 1, "max_value"),
        (10**30, "max_value"),
        (5.0, "invalid"),
        ("5", "invalid"),
        (True, "invalid"),
        (None, "null"),
        ([], "invalid"),
    ],
)
def test_an_invalid_expires_in_is_refused(api, order, expires_in, code):
    response = api.post("/transfers", order(hold=True, expires_in=expires_in))

    assert_invalid(response, ("#/expires_in", code))
    assert Transfer.objects.filter(kind="HOLD").count() == 0


@pytest.mark.parametrize("member", [{}, {"hold": False}])
def test_expires_in_without_a_hold_is_refused(api, order, member):
    response = api.post("/transfers", order(expires_in=60, **member))

    assert_invalid(response, ("#/expires_in", "invalid"))
    assert Transfer.objects.filter(kind="TRANSFER").count() == 0


@pytest.mark.parametrize(
    ("hold", "code"),
    [
        (None, "null"),
        (0, "invalid"),
        (1, "invalid"),
        ("true", "invalid"),
        ("", "invalid"),
        ([], "invalid"),
        ({}, "invalid"),
    ],
)
def test_hold_must_be_true_or_false(api, order, hold, code):
    response = api.post("/transfers", order(hold=hold))

    assert_invalid(response, ("#/hold", code))


def test_a_transfer_with_hold_false_is_posted(api, order):
    response = api.post("/transfers", order(hold=False))

    assert (response.status_code, response.json()["kind"]) == (201, "TRANSFER")


def test_held_money_cannot_be_held_again(api, source, held, order):
    response = api.post("/transfers", order(hold=True, amount=6_01))

    assert_problem(
        response,
        409,
        "insufficient_funds",
        account_id=str(source.pk),
        available=6_00,
        required=6_01,
        shortfall=1,
    )
