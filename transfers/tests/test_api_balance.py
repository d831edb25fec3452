"""GET /accounts/{id}/balance."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from api.tests.contract import NOWHERE, assert_invalid, assert_problem, instant
from transfers import services
from transfers.tests.orders import hold_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(alice, funded_account):
    """An account of alice's with three entries: +100, -30, +50."""
    account = funded_account(alice, 100)
    services.withdraw(account_id=account.pk, amount=30, actor=alice)
    services.deposit(account_id=account.pk, amount=50, actor=alice)
    return account


def test_a_balance_without_an_instant_is_the_current_one(api, account):
    before = datetime.now(UTC)

    response = api.get(f"/accounts/{account.pk}/balance")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    at = response.json()["at"]
    assert instant(before) <= at <= instant(datetime.now(UTC))
    assert response.json() == {
        "account_id": str(account.pk),
        "currency": "USD",
        "at": at,
        "balance": 120,
        "sequence": 3,
    }


@pytest.mark.parametrize(("sequence", "balance"), [(1, 100), (2, 70), (3, 120)])
def test_a_balance_includes_entries_posted_exactly_at_its_instant(api, account, sequence, balance):
    at = instant(account.entries.get(sequence=sequence).ts)

    response = api.get(f"/accounts/{account.pk}/balance", {"at": at})

    assert response.status_code == 200
    assert response.json() == {
        "account_id": str(account.pk),
        "currency": "USD",
        "at": at,
        "balance": balance,
        "sequence": sequence,
    }


@pytest.mark.parametrize(("sequence", "balance"), [(1, 0), (2, 100), (3, 70)])
def test_a_balance_one_microsecond_before_an_entry_excludes_it(api, account, sequence, balance):
    at = account.entries.get(sequence=sequence).ts - timedelta(microseconds=1)

    response = api.get(f"/accounts/{account.pk}/balance", {"at": instant(at)})

    assert (response.json()["balance"], response.json()["sequence"]) == (balance, sequence - 1)


def test_the_instant_of_a_balance_is_returned_in_utc(api, account):
    ts = account.entries.get(sequence=2).ts
    elsewhere = ts - timedelta(hours=8)

    response = api.get(
        f"/accounts/{account.pk}/balance", {"at": f"{elsewhere:%Y-%m-%dT%H:%M:%S.%f}-08:00"}
    )

    assert response.json()["at"] == instant(ts)
    assert response.json()["balance"] == 70


def test_a_balance_before_the_first_entry_is_zero(api, account):
    response = api.get(f"/accounts/{account.pk}/balance", {"at": "2000-01-01T00:00:00Z"})

    assert response.json() == {
        "account_id": str(account.pk),
        "currency": "USD",
        "at": "2000-01-01T00:00:00.000000Z",
        "balance": 0,
        "sequence": 0,
    }


def test_a_hold_does_not_change_the_balance(api, alice, bob, account, funded_account):
    hold_order(account, funded_account(bob), 40, actor=alice)

    response = api.get(f"/accounts/{account.pk}/balance")

    assert (response.json()["balance"], response.json()["sequence"]) == (120, 3)


@pytest.mark.parametrize("ahead", [timedelta(seconds=5), timedelta(days=365)])
def test_a_future_instant_is_refused(api, account, ahead):
    response = api.get(
        f"/accounts/{account.pk}/balance", {"at": instant(datetime.now(UTC) + ahead)}
    )

    assert_invalid(response, ("#/at", "future"))


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("at=", "#/at", "empty_parameter"),
        ("at=2026-01-01T00:00:00Z&at=2026-01-01T00:00:00Z", "#/at", "repeated_parameter"),
        ("from=2026-01-01T00:00:00Z", "#/from", "unknown_parameter"),
        ("limit=1", "#/limit", "unknown_parameter"),
        ("cursor=x", "#/cursor", "unknown_parameter"),
    ],
)
def test_an_invalid_query_is_refused(api, account, query, pointer, code):
    response = api.get(f"/accounts/{account.pk}/balance?{query}")

    assert_invalid(response, (pointer, code))


def test_the_balance_of_another_owner_is_not_found(client_for, bob, account):
    client = client_for(bob)

    foreign = client.get(f"/accounts/{account.pk}/balance")
    missing = client.get(f"/accounts/{NOWHERE}/balance")

    assert_problem(foreign, 404, "account_not_found")
    assert foreign.content.replace(str(account.pk).encode(), b"") == missing.content.replace(
        str(NOWHERE).encode(), b""
    )


def test_staff_can_read_the_balance_of_any_account(client_for, staff, account):
    response = client_for(staff).get(f"/accounts/{account.pk}/balance")

    assert (response.status_code, response.json()["balance"]) == (200, 120)


def test_a_balance_is_returned_as_json_only(api, account):
    response = api.get(f"/accounts/{account.pk}/balance", headers={"Accept": "text/csv"})

    assert_problem(response, 406, "not_acceptable")


@pytest.mark.parametrize("public", [True, False])
def test_a_balance_requires_a_token_even_with_public_reads(client_for, account, settings, public):
    settings.PUBLIC_READS = public

    response = client_for(None).get(f"/accounts/{account.pk}/balance")

    assert_problem(response, 401, "not_authenticated")


def test_the_year_of_an_instant_has_four_digits(api, account):
    response = api.get(f"/accounts/{account.pk}/balance?at=0794-10-12T14:17:23Z")

    assert (response.json()["at"], response.json()["balance"]) == ("0794-10-12T14:17:23.000000Z", 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asked", ["now", "a moment ago"])
def test_a_past_balance_does_not_change_when_the_clock_is_set_back(api, alice, account, asked):
    path = f"/accounts/{account.pk}/balance"
    posted, asking = threading.Event(), threading.Event()

    def post_slowly():
        try:
            with transaction.atomic():
                services.deposit(account_id=account.pk, amount=7, actor=alice)
                posted.set()
                asking.wait(timeout=300)
                # Long enough for a reader that doesn't wait to get a response.
                time.sleep(0.3)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        poster = thread.submit(post_slowly)
        assert posted.wait(timeout=300)
        query = {} if asked == "now" else {"at": instant(datetime.now(UTC))}
        asking.set()
        said = api.get(path, query).json()
        poster.result(timeout=300)

    assert (said["balance"], said["sequence"]) == (127, 4)
    assert api.get(path, {"at": said["at"]}).json() == said
