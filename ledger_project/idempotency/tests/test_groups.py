"""What is carried out in one transaction, and what its members are told."""

import json
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from prometheus_client import REGISTRY

from events.models import Event
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.idempotency.tests.gates import PausedAfterBegin, Watched
from ledger_project.idempotency.tests.queues import LONG
from ledger_project.tests.crash_scene import Fault
from transfers.models import LedgerEntry, Transfer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order_afterwards"),
]

SIZES = [1, 3, 64]


@pytest.mark.parametrize("size", SIZES)
def test_all_that_wait_are_carried_out_in_one_transaction(pay, in_one_group, size):
    calls = [Watched(pay(number)) for number in range(1, size + 1)]
    before = Transfer.objects.count(), LedgerEntry.objects.count()

    answers = in_one_group(*calls)

    assert [answer.status_code for answer in answers] == [201] * size
    assert [answer.json()["amount"] for answer in answers] == [*range(1, size + 1)]
    # The leader has done the work of all, and the followers haven't used the database.
    assert [call.commits for call in calls] == [1] + [0] * (size - 1)
    assert [call.statements for call in calls[1:]] == [[]] * (size - 1)
    after = Transfer.objects.count(), LedgerEntry.objects.count()
    assert after == (before[0] + size, before[1] + 2 * size)
    assert IdempotencyKey.objects.count() == size


def test_requests_that_arrive_while_the_leader_begins_its_transaction_are_in_its_group(pay, gated):
    calls = [Watched(pay(number)) for number in range(1, 4)]
    pause = PausedAfterBegin()
    gate = gated()
    futures = [gate.add(pause.pausing(calls[0]))]
    gate.open()
    assert pause.reached.wait(LONG)

    futures += [gate.add(call) for call in calls[1:]]
    pause.may_go_on.set()
    answers = [future.result(timeout=LONG) for future in futures]

    assert [answer.status_code for answer in answers] == [201] * 3
    assert [call.commits for call in calls] == [1, 0, 0]


@pytest.mark.parametrize("size", SIZES)
def test_the_number_of_statements_does_not_depend_on_the_size_of_a_group(pay, in_one_group, size):
    calls = [Watched(pay(number)) for number in range(1, size + 1)]

    in_one_group(*calls)

    # The callers with their keys, the lock, the posting, and the keys with the responses. Several
    # members are first asked for their rights, before anything is locked.
    expected = 4 if size == 1 else 5
    if connection.vendor == "sqlite":
        expected += 3  # BEGIN, and three statements for the posting.
    assert len(calls[0].statements) == expected


@pytest.mark.parametrize("size", SIZES)
def test_each_member_sees_the_balance_right_after_its_own_transfer(pay, in_one_group, size):
    answers = in_one_group(*[pay(10) for _ in range(size)])

    sources = [answer.json()["source"] for answer in answers]
    # The deposit into the account was its first entry.
    assert [(source["balance"], source["version"]) for source in sources] == [
        (10_000 - 10 * number, 1 + number) for number in range(1, size + 1)
    ]
    ids = [answer.json()["id"] for answer in answers]
    assert ids == sorted(set(ids))
    assert [answer["Location"] for answer in answers] == [f"/transfers/{id}" for id in ids]


def test_deposits_withdrawals_transfers_and_holds_are_in_one_group(pay, in_one_group, client_for):
    account, client = pay.source, client_for(pay.source.owner)
    calls = [
        Watched(call)
        for call in (
            pay(1),
            partial(client.post, f"/accounts/{account.pk}/deposit", {"amount": 20}),
            partial(client.post, f"/accounts/{account.pk}/withdraw", {"amount": 300}),
            pay(4000, hold=True),
        )
    ]

    answers = in_one_group(*calls)

    assert [answer.status_code for answer in answers] == [201, 200, 200, 201]
    assert [call.commits for call in calls] == [1, 0, 0, 0]
    paid, deposited, withdrawn, held = (answer.json() for answer in answers)
    assert [paid["source"]["balance"], deposited["balance"]] == [9999, 10_019]
    assert [withdrawn["balance"], held["source"]["balance"]] == [9719, 9719]
    assert [withdrawn["available"], held["source"]["available"]] == [9719, 5719]


def test_a_group_writes_the_events_of_its_members_in_their_order(pay, in_one_group):
    answers = in_one_group(pay(3), pay(10**9), pay(1, hold=True), pay(2))

    events = list(Event.objects.exclude(transfer=None).in_order())[1:]
    posted = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert [str(event.transfer_id) for event in events] == posted
    assert [event.type for event in events] == [
        "transfer.posted",
        "hold.created",
        "transfer.posted",
    ]
    assert len({event.transaction for event in events}) == 1


REFUSED = {
    "insufficient funds": {"amount": 10**9},
    "an unknown account": {"dest_account_id": str(uuid4())},
    "an unknown source": {"source_account_id": str(uuid4())},
    "a stranger's account": {"amount": 2},
}


@pytest.mark.parametrize("reason", REFUSED)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_refused_member_gets_the_same_response_as_on_its_own_and_the_others_are_carried_out(
    pay, in_one_group, make_user, funded_account, alice, reason, place
):
    user = make_user() if reason == "a stranger's account" else pay.source.owner
    body = {"amount": 5, **REFUSED[reason]}
    refused = partial(pay, user=user, **body)
    # After a fault in its group of one, it is carried out on its own.
    with connection.execute_wrapper(Fault(0)):
        alone = refused(key="alone")()
    # They spend from another account. The refusal tells how much is available.
    other = funded_account(alice, 100)
    calls = [Watched(pay(5, source_account_id=other.pk)) for _ in range(2)]
    calls.insert(place, Watched(refused(key="in-a-group")))

    answers = in_one_group(*calls)

    expected = [201, 201]
    expected.insert(place, alone.status_code)
    assert [answer.status_code for answer in answers] == expected
    assert [call.commits for call in calls] == [1, 0, 0]
    assert alone.status_code in (404, 409)
    assert answers[place].content == alone.content
    assert headers(answers[place]) == headers(alone)
    stored, twin = (IdempotencyKey.objects.get(key=key) for key in ("in-a-group", "alone"))
    assert (stored.response_status, stored.response_body) == (
        twin.response_status,
        twin.response_body,
    )
    assert (stored.response_headers, stored.relied_on) == (twin.response_headers, twin.relied_on)
    again = refused(key="in-a-group")()
    assert (again.content, again["Idempotent-Replayed"]) == (alone.content, "true")
    other.refresh_from_db()
    pay.source.refresh_from_db()
    assert (other.balance, other.version) == (90, 3)
    assert (pay.source.balance, pay.source.version) == (10_000, 1)


def headers(response) -> dict[str, str]:
    return {name: value for name, value in response.items() if name != "X-Request-ID"}


def test_a_group_of_refused_members_only_changes_nothing(pay, in_one_group):
    answers = in_one_group(*[pay(10**9, key=f"k{number}") for number in range(3)])

    assert [answer.status_code for answer in answers] == [409] * 3
    assert IdempotencyKey.objects.count() == 3
    pay.source.refresh_from_db()
    assert (pay.source.balance, pay.source.version) == (10_000, 1)


def test_the_money_of_an_earlier_member_can_be_spent_by_a_later_one(pay, in_one_group, bob):
    back = {"source_account_id": pay.dest.pk, "dest_account_id": pay.source.pk, "user": bob}

    answers = in_one_group(pay(70, **back), pay(100), pay(70, **back), pay(31, **back))

    assert [answer.status_code for answer in answers] == [409, 201, 201, 409]
    assert answers[3].json()["available"] == 30


def test_only_replays_are_marked_as_such_and_each_replays_its_own_response(pay, in_one_group):
    keys = [f"k{number}" for number in range(8)]
    firsts = in_one_group(*[pay(number + 1, key=key) for number, key in enumerate(keys)])

    replays = in_one_group(*[pay(number + 1, key=key) for number, key in enumerate(keys)], pay(99))

    assert [answer.has_header("Idempotent-Replayed") for answer in firsts] == [False] * 8
    assert [answer.get("Idempotent-Replayed") for answer in replays] == ["true"] * 8 + [None]
    assert [answer.content for answer in replays[:8]] == [answer.content for answer in firsts]
    rows = IdempotencyKey.objects.filter(key__in=keys).order_by("key")
    assert [row.response_body for row in rows] == [answer.content.decode() for answer in firsts]
    assert [json.loads(row.response_body)["amount"] for row in rows] == [*range(1, 9)]


def test_the_metrics_tell_the_size_of_groups_and_how_long_their_members_have_waited(
    pay, in_one_group
):
    names = ["ledger_group_size_count", "ledger_group_size_sum", "ledger_group_wait_seconds_count"]
    before = [REGISTRY.get_sample_value(name) for name in names]

    in_one_group(pay(1), pay(2), pay(3))

    after = [REGISTRY.get_sample_value(name) for name in names]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 3, 3]
