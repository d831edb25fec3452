"""Concurrent requests with the same key, in threads and with real commits."""

import threading

import pytest
from rest_framework.response import Response

from accounts.models import Account
from ledger_project.idempotency.models import IdempotencyKey
from transfers import services
from transfers.models import Transfer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order_afterwards"),
]

REQUESTS = 16


def request_as(client_for, user, path, body, key):
    return lambda: client_for(user).post(path, body, key=key)


def test_one_of_16_concurrent_requests_with_one_key_is_carried_out_and_15_replay_it(
    client_for, alice, funded_account, at_once
):
    source, dest = funded_account(alice, 1000), funded_account(alice)
    body = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk), "amount": 10}

    answers = at_once(*[request_as(client_for, alice, "/transfers", body, "k")] * REQUESTS)

    assert [answer.status_code for answer in answers] == [201] * REQUESTS
    assert len({answer.content for answer in answers}) == 1
    assert sum(answer.has_header("Idempotent-Replayed") for answer in answers) == REQUESTS - 1
    source.refresh_from_db()
    assert (source.balance, source.version) == (990, 2)
    assert Transfer.objects.filter(created_by=alice).count() == 1
    assert IdempotencyKey.objects.count() == 1


def test_concurrent_requests_with_one_key_all_get_the_same_error(
    client_for, alice, funded_account, at_once
):
    account = funded_account(alice)
    path = f"/accounts/{account.pk}/withdraw"

    answers = at_once(*[request_as(client_for, alice, path, {"amount": 1}, "k")] * REQUESTS)

    assert [answer.status_code for answer in answers] == [409] * REQUESTS
    assert {answer.json()["code"] for answer in answers} == {"insufficient_funds"}
    assert len({answer.content for answer in answers}) == 1
    assert sum(answer.has_header("Idempotent-Replayed") for answer in answers) == REQUESTS - 1


def test_one_of_the_concurrent_requests_with_one_key_and_different_bodies_is_carried_out(
    client_for, alice, funded_account, at_once
):
    account = funded_account(alice)
    path = f"/accounts/{account.pk}/deposit"

    answers = at_once(
        *[request_as(client_for, alice, path, {"amount": n + 1}, "k") for n in range(REQUESTS)]
    )

    succeeded = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    refused = [answer.json() for answer in answers if answer.status_code != 200]
    assert len(succeeded) == 1
    assert [(each["status"], each["code"]) for each in refused] == [
        (409, "idempotency_key_reused")
    ] * (REQUESTS - 1)
    account.refresh_from_db()
    assert (account.balance, account.version) == (succeeded[0] + 1, 1)


def test_users_with_the_same_key_do_not_affect_each_other(client_for, make_user, at_once):
    users = [make_user() for _ in range(REQUESTS)]

    answers = at_once(
        *[
            request_as(client_for, user, "/accounts", {"owner_name": user.username}, "k")
            for user in users
        ]
    )

    assert [answer.status_code for answer in answers] == [201] * REQUESTS
    assert [answer.json()["owner_name"] for answer in answers] == [u.username for u in users]
    assert [answer.has_header("Idempotent-Replayed") for answer in answers] == [False] * REQUESTS
    assert Account.objects.customers().count() == REQUESTS


def test_a_duplicate_of_a_request_that_crashes_is_carried_out(
    client_for, alice, funded_account, serve, at_once
):
    account = funded_account(alice)
    first = threading.Lock()

    def crash_at_first(request):
        services.deposit(account_id=account.pk, amount=5, actor=request.user)
        if first.acquire(blocking=False):
            raise RuntimeError("The first request crashes.")
        return Response({})

    path = serve(crash_at_first)

    answers = at_once(*[request_as(client_for, alice, path, {}, "k")] * REQUESTS)

    assert sorted(answer.status_code for answer in answers) == [200] * (REQUESTS - 1) + [500]
    assert sum(answer.has_header("Idempotent-Replayed") for answer in answers) == REQUESTS - 2
    account.refresh_from_db()
    assert (account.balance, account.version) == (5, 1)
