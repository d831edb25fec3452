"""One key in several requests: in one group, in two groups of two processes, and on both ways."""

from datetime import timedelta
from functools import partial

import pytest

from accounts.models import Account
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.idempotency.tests.gates import Watched
from ledger_project.idempotency.tests.queues import LONG
from transfers import services
from transfers.models import Transfer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order_afterwards"),
]


def outcomes(answers):
    """Return of each response: its status, whether it was replayed, and its error's code."""
    return [
        (answer.status_code, "Idempotent-Replayed" in answer, answer.json().get("code"))
        for answer in answers
    ]


CARRIED_OUT, REPLAYED = (201, False, None), (201, True, None)
REUSED = (409, False, "idempotency_key_reused")


def paid(pay):
    """Return the amounts of the transfers from the source, and its balance."""
    pay.source.refresh_from_db()
    amounts = Transfer.objects.filter(source=pay.source).order_by("pk")
    return list(amounts.values_list("amount", flat=True)), pay.source.balance


def test_the_second_of_two_requests_with_one_key_in_a_group_replays_the_first(pay, in_one_group):
    answers = in_one_group(pay(5, key="k"), pay(7), pay(5, key="k"), pay(5, key="k"))

    assert outcomes(answers) == [CARRIED_OUT, CARRIED_OUT, REPLAYED, REPLAYED]
    assert answers[0].content == answers[2].content == answers[3].content
    assert paid(pay) == ([5, 7], 9988)


def test_the_second_of_two_bodies_under_one_key_in_a_group_is_refused(pay, in_one_group):
    answers = in_one_group(pay(5, key="k"), pay(6, key="k"), pay(7))

    assert outcomes(answers) == [CARRIED_OUT, REUSED, CARRIED_OUT]
    assert paid(pay) == ([5, 7], 9988)


def test_the_second_of_two_refused_requests_with_one_key_in_a_group_replays_it(pay, in_one_group):
    answers = in_one_group(pay(10**9, key="k"), pay(10**9, key="k"))

    refusal = "insufficient_funds"
    assert outcomes(answers) == [(409, False, refusal), (409, True, refusal)]
    assert answers[0].content == answers[1].content
    assert paid(pay) == ([], 10_000)


def test_two_users_may_use_the_same_key_in_one_group(pay, in_one_group, bob):
    back = {"source_account_id": pay.dest.pk, "dest_account_id": pay.source.pk, "user": bob}

    answers = in_one_group(pay(5, key="k"), pay(3, key="k", **back))

    assert outcomes(answers) == [CARRIED_OUT, CARRIED_OUT]
    assert paid(pay) == ([5], 9998)
    assert IdempotencyKey.objects.filter(key="k").count() == 2


def test_a_key_that_was_used_is_not_used_again_by_a_group_with_other_members(pay, in_one_group):
    first = pay(5, key="k")()
    calls = [Watched(call) for call in (pay(7), pay(5, key="k"), pay(6, key="k"), pay(8))]

    answers = in_one_group(*calls)

    assert outcomes(answers) == [CARRIED_OUT, REPLAYED, REUSED, CARRIED_OUT]
    assert answers[1].content == first.content
    # The leader has done the work of the last one as well.
    assert calls[3].statements == []
    assert paid(pay) == ([5, 7, 8], 9980)


@pytest.mark.parametrize(
    ("body", "outcome"), [({}, REPLAYED), ({"memo": "another"}, REUSED)], ids=["equal", "different"]
)
def test_one_key_in_the_groups_of_two_processes_has_one_effect(pay, gated, body, outcome):
    one = gated()
    ours = [one.add(call) for call in (pay(1), pay(5, key="k"), pay(2))]
    two = gated()
    theirs = [two.add(call) for call in (pay(3), pay(5, key="k", **body), pay(4))]
    assert one.combiner is not two.combiner

    one.open()
    two.open()
    answers = [future.result(timeout=LONG) for future in (*ours, *theirs)]

    twins = outcomes([answers[1], answers[4]])
    assert sorted(twins) == sorted([CARRIED_OUT, outcome])
    others = [answers[place] for place in (0, 2, 3, 5)]
    assert outcomes(others) == [CARRIED_OUT] * 4
    amounts, balance = paid(pay)
    assert (sorted(amounts), balance) == ([1, 2, 3, 4, 5], 9985)


@pytest.fixture
def alone(pay, client_for, alice, bob):
    """Return calls that are carried out on their own, by name, with the status of success."""
    order = services.Order(source_id=pay.dest.pk, dest_id=pay.source.pk, amount=1)
    wire = {"source_account_id": pay.source.pk, "dest_account_id": pay.dest.pk, "amount": 5}

    def capture(key):
        # Bob holds money for alice, who captures it.
        services.deposit(account_id=pay.dest.pk, amount=1, actor=bob)
        held = services.hold(order=order, expires_in=timedelta(days=1), actor=bob)
        return partial(client_for(alice).post, f"/transfers/{held.pk}/capture", {}, key=key)

    post = client_for(alice).post
    return {
        "capture": capture,
        "batch": lambda key: partial(post, "/transfers/batch", {"transfers": [wire]}, key=key),
        "open": lambda key: partial(post, "/accounts", {"owner_name": "new"}, key=key),
    }


@pytest.mark.parametrize("route", ["capture", "batch", "open"])
@pytest.mark.parametrize("first", ["the group", "the other"])
def test_a_key_in_a_group_and_in_a_request_on_its_own_is_used_by_one_of_them(
    pay, gated, alone, route, first
):
    other = alone[route]("k")
    accounts, transfers = Account.objects.count(), Transfer.objects.count()
    gate = gated()
    futures = [gate.add(call) for call in (pay(1), pay(5, key="k"), pay(2))]

    if first == "the group":
        gate.open()
        grouped = [future.result(timeout=LONG) for future in futures]
        answer = other()
        winner, loser = grouped[1], answer
    else:
        answer = other()
        gate.open()
        grouped = [future.result(timeout=LONG) for future in futures]
        winner, loser = answer, grouped[1]

    assert outcomes([winner, loser]) == [CARRIED_OUT, REUSED]
    assert outcomes([grouped[0], grouped[2]]) == [CARRIED_OUT] * 2
    key = IdempotencyKey.objects.get(key="k")
    assert key.response_body == winner.content.decode()
    opened = Account.objects.count() - accounts
    posted = Transfer.objects.count() - transfers
    assert (opened, posted) == ((1, 2) if (route, first) == ("open", "the other") else (0, 3))
