"""Rivals on one key, in real threads with real commits."""

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

RIVALS = 16


def posting(client_for, user, path, body, key):
    return lambda: client_for(user).post(path, body, key=key)


def test_of_16_rivals_with_one_key_one_moves_the_money_and_15_replay(
    client_for, alice, funded_account, at_once
):
    source, dest = funded_account(alice, 1000), funded_account(alice)
    body = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk), "amount": 10}

    answers = at_once(*[posting(client_for, alice, "/transfers", body, "k")] * RIVALS)

    assert [answer.status_code for answer in answers] == [201] * RIVALS
    assert len({answer.content for answer in answers}) == 1
    assert sum(answer.has_header("Idempotent-Replayed") for answer in answers) == RIVALS - 1
    source.refresh_from_db()
    assert (source.balance, source.version) == (990, 2)
    assert Transfer.objects.filter(created_by=alice).count() == 1
    assert IdempotencyKey.objects.count() == 1


def test_of_rivals_that_are_refused_all_get_the_same_refusal(
    client_for, alice, funded_account, at_once
):
    account = funded_account(alice)
    path = f"/accounts/{account.pk}/withdraw"

    answers = at_once(*[posting(client_for, alice, path, {"amount": 1}, "k")] * RIVALS)

    assert [answer.status_code for answer in answers] == [409] * RIVALS
    assert {answer.json()["code"] for answer in answers} == {"insufficient_funds"}
    assert len({answer.content for answer in answers}) == 1
    assert sum(answer.has_header("Idempotent-Replayed") for answer in answers) == RIVALS - 1


def test_of_rivals_with_different_bodies_one_wins_and_the_others_are_refused(
    client_for, alice, funded_account, at_once
):
    account = funded_account(alice)
    path = f"/accounts/{account.pk}/deposit"

    answers = at_once(
        *[posting(client_for, alice, path, {"amount": n + 1}, "k") for n in range(RIVALS)]
    )

    winners = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    losers = [answer.json() for answer in answers if answer.status_code != 200]
    assert len(winners) == 1
    assert [(each["status"], each["code"]) for each in losers] == [
        (409, "idempotency_key_reused")
    ] * (RIVALS - 1)
    account.refresh_from_db()
    assert (account.balance, account.version) == (winners[0] + 1, 1)


def test_users_with_one_key_are_no_rivals(client_for, make_user, at_once):
    users = [make_user() for _ in range(RIVALS)]

    answers = at_once(
        *[
            posting(client_for, user, "/accounts", {"owner_name": user.username}, "k")
            for user in users
        ]
    )

    assert [answer.status_code for answer in answers] == [201] * RIVALS
    assert [answer.json()["owner_name"] for answer in answers] == [u.username for u in users]
    assert [answer.has_header("Idempotent-Replayed") for answer in answers] == [False] * RIVALS
    assert Account.objects.customers().count() == RIVALS


def test_a_rival_of_one_that_crashes_is_executed_itself(
    client_for, alice, funded_account, serve, at_once
):
    account = funded_account(alice)
    first = threading.Lock()

    def crash_at_first(request):
        services.deposit(account_id=account.pk, amount=5, actor=request.user)
        if first.acquire(blocking=False):
            raise RuntimeError("The first of them crashes.")
        return Response({})

    path = serve(crash_at_first)

    answers = at_once(*[posting(client_for, alice, path, {}, "k")] * RIVALS)

    assert sorted(answer.status_code for answer in answers) == [200] * (RIVALS - 1) + [500]
    assert sum(answer.has_header("Idempotent-Replayed") for answer in answers) == RIVALS - 2
    account.refresh_from_db()
    assert (account.balance, account.version) == (5, 1)
