"""
The database's clock is used, whatever the application servers' clocks show.

Setting this process's clock simulates an application server with a wrong clock.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts import services as account_services
from accounts.models import Account
from api.tests.contract import assert_problem, instant, transfer_document
from ledger_project.idempotency.models import IdempotencyKey
from transfers import services
from transfers.models import Transfer
from transfers.tests.orders import expired_hold, hold_order, transfer_order

pytestmark = pytest.mark.django_db(transaction=True)

AHEAD, BEHIND = timedelta(seconds=200), timedelta(seconds=-200)
both = pytest.mark.parametrize("wrong", [AHEAD, BEHIND], ids=["ahead", "behind"])


@pytest.fixture
def server(monkeypatch):
    """Return a context manager that makes the application server's clock wrong by an offset."""
    true = timezone.now

    @contextmanager
    def with_clock(wrong: timedelta):
        with monkeypatch.context() as patched:
            patched.setattr(timezone, "now", lambda: true() + wrong)
            yield

    return with_clock


@pytest.fixture
def account(alice, funded_account):
    return funded_account(alice, 100)


def clock_of_database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@contextmanager
def bracketed():
    """Yield a list that receives the database's time before and after the block."""
    times = [clock_of_database()]
    yield times
    times.append(clock_of_database())


@both
def test_a_past_balance_is_the_same_on_servers_with_different_clocks(api, account, server, wrong):
    path = f"/accounts/{account.pk}"
    with server(wrong):
        api.post(f"{path}/deposit", {"amount": 7})
    now = api.get(f"{path}/balance").json()
    line = api.get(f"{path}/statement").json()["items"][0]
    ranges = f"{path}/statement?to={now['at']}"
    said = api.get(ranges).json()["closing_balance"]

    with server(wrong):
        api.post(f"{path}/deposit", {"amount": 11})
        again = api.get(f"{path}/balance", {"at": now["at"]}).json()
        said_again = api.get(ranges).json()["closing_balance"]
        of_line = api.get(f"{path}/balance", {"at": line["ts"]}).json()
    api.post(f"{path}/deposit", {"amount": 13})

    assert (now["balance"], said) == (107, 107)
    assert (again, said_again) == (now, said)
    assert (of_line["balance"], of_line["sequence"]) == (107, 2)
    assert api.get(f"{path}/balance", {"at": now["at"]}).json() == now


@both
def test_the_time_of_a_response_is_never_in_the_future(api, account, dest, server, wrong):
    order = {"source_account_id": str(account.pk), "dest_account_id": str(dest.pk), "amount": 1}
    path = f"/accounts/{account.pk}/balance"
    with server(-wrong):
        posted = api.post("/transfers", order).json()
        current = api.get(path).json()

    with server(wrong):
        answers = [api.get(path, {"at": at}) for at in (posted["created_at"], current["at"])]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["balance"] for answer in answers] == [99, 99]


@both
def test_no_hold_is_captured_or_pending_after_it_expired(
    client_for, alice, bob, account, dest, server, wrong
):
    hold = expired_hold(account, dest, 5, actor=alice)
    client = client_for(bob)

    with server(wrong):
        captured = client.post(f"/transfers/{hold.pk}/capture", {})
        read = client.get(f"/transfers/{hold.pk}").json()
        listed = {
            status: [
                each["id"] for each in client.get(f"/transfers?status={status}").json()["items"]
            ]
            for status in ("PENDING", "EXPIRED")
        }
        call_command("expire_holds", verbosity=0)

    assert_problem(captured, 409, "hold_expired", expires_at=instant(hold.expires_at))
    assert read == transfer_document(hold, "EXPIRED")
    assert listed == {"PENDING": [], "EXPIRED": [str(hold.pk)]}
    assert Transfer.objects.get(hold=hold).kind == "VOID"


@both
def test_no_hold_expires_before_its_time(client_for, alice, bob, account, dest, server, wrong):
    hold = hold_order(account, dest, 5, actor=alice, expires_in=timedelta(seconds=150))
    client = client_for(bob)

    with server(wrong):
        call_command("expire_holds", verbosity=0)
        listed = client.get("/transfers?status=PENDING").json()["items"]
        captured = client.post(f"/transfers/{hold.pk}/capture", {})

    assert listed == [transfer_document(hold, "PENDING")]
    assert captured.status_code == 201


@both
def test_rows_are_dated_by_the_clock_of_the_database(api, alice, staff, dest, server, wrong):
    with server(wrong), bracketed() as times:
        account_id = UUID(api.post("/accounts", {"owner_name": "Alice"}).json()["id"])
        account_services.set_overdraft_limit(account_id=account_id, actor=staff, limit=9)
        account = Account.objects.get(pk=account_id)
        services.deposit(account_id=account_id, amount=3, actor=alice)
        hold = hold_order(account, dest, 2, actor=alice, expires_in=timedelta(seconds=60))

    change, entry = account.changes.get(), account.entries.get()
    key = IdempotencyKey.objects.get()
    written = [account.created_at, key.created_at, change.at, entry.ts, hold.created_at]
    first, last = times
    assert [each for each in written if not first <= each <= last] == []
    assert hold.expires_at - hold.created_at == timedelta(seconds=60)
    assert change.at < entry.ts == entry.transfer.created_at < hold.created_at


def test_transfers_of_servers_with_different_clocks_are_listed_in_order(
    api, alice, account, dest, server
):
    posted = []
    for wrong in (AHEAD, BEHIND, timedelta(0), AHEAD, BEHIND):
        with server(wrong):
            posted.append(transfer_order(account, dest, 1, actor=alice))

    listed = [each["id"] for each in api.get("/transfers?kind=TRANSFER").json()["items"]]
    assert listed == [str(each.pk) for each in reversed(posted)]
    # An id begins with the time of its transfer, in milliseconds.
    seconds = [int(each.created_at.timestamp() * 1000) for each in posted]
    assert [each.pk.int >> 80 for each in posted] == seconds


def waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


@pytest.mark.parametrize("kind", ["one of one", "first of two", "second of two", "last of three"])
def test_the_time_of_a_lock_is_read_after_it_was_acquired(alice, funded_account, kind):
    count = {"one of one": 1, "last of three": 3}.get(kind, 2)
    ids = sorted(funded_account(alice).pk for _ in range(count))
    contended = ids[0] if kind == "first of two" else ids[-1]
    locked = threading.Event()

    def lock_them():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
                assert locked.wait(timeout=60)
                return [each.locked_at for each in Account.objects.locked(*ids).values()]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(lock_them)
        with transaction.atomic():
            Account.objects.locked(contended)
            locked.set()
            deadline = time.monotonic() + 60
            while not waiting_for_a_lock():
                assert time.monotonic() < deadline, "nobody waits for the lock"
                time.sleep(0.01)
            still_locked = clock_of_database()
        times = waiting.result(timeout=60)

    assert len(times) == count
    assert len(set(times)) == 1
    assert times[0] > still_locked
