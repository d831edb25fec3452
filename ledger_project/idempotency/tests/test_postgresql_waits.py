"""Duplicates that wait on PostgreSQL's unique index, and errors that PostgreSQL raises."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from rest_framework.response import Response

from accounts.models import Account
from ledger_project.idempotency.models import IdempotencyKey
from transfers import services

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order_afterwards"),
]

SHORT_WAIT = "-c lock_timeout=300 -c statement_timeout=8000"


def execute(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else None


def wait_until_a_lock_is_waited_for():
    deadline = time.monotonic() + 60
    while not execute("SELECT 1 FROM pg_locks WHERE NOT granted"):
        assert time.monotonic() < deadline, "no session waits for a lock"
        time.sleep(0.01)


@pytest.fixture
def account(alice, funded_account):
    return funded_account(alice)


@pytest.fixture
def in_thread():
    """Return a function that runs a call in another thread and returns its future."""
    with ThreadPoolExecutor(4) as threads:

        def call_and_close(call):
            try:
                return call()
            finally:
                connection.close()

        yield lambda call: threads.submit(call_and_close, call)


@pytest.fixture
def slow_deposit(serve, account):
    """A view that deposits 5. Its first call then waits for ``go`` and calls ``ending``."""

    class SlowDeposit:
        def __init__(self):
            self.started, self.go, self.calls = threading.Event(), threading.Event(), 0
            self.ending = lambda: None
            self.path = serve(self.deposit)

        def deposit(self, request):
            self.calls += 1
            services.deposit(account_id=account.pk, amount=5, actor=request.user)
            if self.calls == 1:
                self.started.set()
                assert self.go.wait(60)
                self.ending()
            return Response({"call": self.calls})

    return SlowDeposit()


def test_a_request_waits_at_most_3_seconds_for_a_lock():
    timeouts = [
        execute(f"SHOW {name}")[0][0]
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    ]

    assert timeouts == ["3s", "8s", "10s"]


def test_a_duplicate_of_a_slow_request_is_409_with_retry_after(
    client_for, alice, account, slow_deposit, in_thread, monkeypatch
):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "options", SHORT_WAIT)
    first = in_thread(lambda: client_for(alice).post(slow_deposit.path, key="k"))
    assert slow_deposit.started.wait(60)

    duplicate = in_thread(lambda: client_for(alice).post(slow_deposit.path, key="k")).result()
    slow_deposit.go.set()
    answer = first.result()
    later = client_for(alice).post(slow_deposit.path, key="k")

    assert duplicate.status_code == 409
    assert duplicate.json()["code"] == "idempotency_in_progress"
    assert duplicate["Retry-After"] == "1"
    assert answer.status_code == 200
    assert later.content == answer.content
    assert later["Idempotent-Replayed"] == "true"
    assert slow_deposit.calls == 1


def test_a_duplicate_waits_for_the_first_request_and_replays_its_response(
    client_for, alice, slow_deposit, in_thread
):
    first = in_thread(lambda: client_for(alice).post(slow_deposit.path, key="k"))
    assert slow_deposit.started.wait(60)
    duplicate = in_thread(lambda: client_for(alice).post(slow_deposit.path, key="k"))
    wait_until_a_lock_is_waited_for()

    slow_deposit.go.set()

    assert duplicate.result().content == first.result().content == b'{"call":1}'
    assert duplicate.result()["Idempotent-Replayed"] == "true"


def test_a_duplicate_of_a_request_that_rolls_back_is_carried_out(
    client_for, alice, account, slow_deposit, in_thread
):
    def crash():
        raise RuntimeError("The first request crashes.")

    slow_deposit.ending = crash
    first = in_thread(lambda: client_for(alice).post(slow_deposit.path, key="k"))
    assert slow_deposit.started.wait(60)
    duplicate = in_thread(lambda: client_for(alice).post(slow_deposit.path, key="k"))
    wait_until_a_lock_is_waited_for()

    slow_deposit.go.set()

    assert first.result().status_code == 500
    assert duplicate.result().content == b'{"call":2}'
    assert duplicate.result().has_header("Idempotent-Replayed") is False
    account.refresh_from_db()
    assert (account.balance, account.version) == (5, 1)


def test_a_locked_account_is_503_and_leaves_the_key_unused(
    client_for, alice, account, in_thread, monkeypatch
):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "options", SHORT_WAIT)
    path = f"/accounts/{account.pk}/deposit"

    with transaction.atomic():
        Account.objects.locked(account.pk)
        answer = in_thread(lambda: client_for(alice).post(path, {"amount": 5}, key="k")).result()
    again = client_for(alice).post(path, {"amount": 5}, key="k")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    assert again.status_code == 200
    assert again.has_header("Idempotent-Replayed") is False


@pytest.mark.parametrize(
    ("sql", "calls"),
    [
        ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$", 3),
        ("SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)", 1),
        ("SELECT pg_terminate_backend(pg_backend_pid())", 1),
    ],
    ids=["a serialization failure", "a statement timeout", "a lost connection"],
)
def test_a_transaction_that_postgresql_aborts_is_503_and_leaves_the_key_unused(
    api, alice, account, serve, sql, calls
):
    seen = []

    def deposit_and_fail(request):
        services.deposit(account_id=account.pk, amount=5, actor=request.user)
        seen.append(request)
        execute(sql)
        return Response({})

    answer = api.post(serve(deposit_and_fail), key="k")
    kept = IdempotencyKey.objects.count()
    again = api.post(f"/accounts/{account.pk}/deposit", {"amount": 5}, key="k")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    assert len(seen) == calls
    assert kept == 0
    assert again.status_code == 200
    assert again.json()["balance"] == 5


def test_a_deadlock_is_retried_without_an_error_for_either_client(
    client_for, alice, funded_account, serve, at_once
):
    accounts = [funded_account(alice), funded_account(alice)]
    both_hold_one, calls = threading.Barrier(2), []

    def lock_in_the_order_asked_for(request):
        calls.append(request)
        first, second = (accounts[index].pk for index in request.data["order"])
        Account.objects.locked(first)
        if len(calls) <= 2:
            both_hold_one.wait(60)
        Account.objects.locked(second)
        return Response({})

    path = serve(lock_in_the_order_asked_for)

    answers = at_once(
        lambda: client_for(alice).post(path, {"order": [0, 1]}),
        lambda: client_for(alice).post(path, {"order": [1, 0]}),
    )

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(calls) == 3
