"""Who a member of a group is, and what only it may see or be told."""

import pytest
from django.db import connection
from rest_framework_simplejwt.tokens import AccessToken

from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.idempotency.tests.gates import Watched
from ledger_project.idempotency.tests.queues import LONG
from transfers.models import Transfer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order_afterwards"),
]


@pytest.fixture
def clerk(make_user):
    """A user who may spend from all accounts and see them."""
    return make_user("transfers.move_any", "accounts.read_any", username="clerk")


def deactivate(user):
    user.is_active = False
    user.save()


def change_password(user):
    user.set_password("another password")
    user.save()


def delete(user):
    user.delete()


@pytest.mark.parametrize("change", [deactivate, change_password, delete])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_caller_who_is_no_longer_admitted_is_401_although_the_request_was_queued(
    pay, gated, clerk, change, place
):
    gate = gated()
    calls = [pay(1), pay(2)]
    calls.insert(place, pay(5, user=clerk, key="of-the-clerk"))
    futures = [gate.add(call) for call in calls]

    change(clerk)
    gate.open()
    answers = [future.result(timeout=LONG) for future in futures]

    refused = answers.pop(place)
    assert (refused.status_code, refused["WWW-Authenticate"][:6]) == (401, "Bearer")
    assert [answer.status_code for answer in answers] == [201, 201]
    assert not IdempotencyKey.objects.filter(key="of-the-clerk").exists()
    assert sorted(Transfer.objects.filter(source=pay.source).values_list("amount", flat=True)) == [
        1,
        2,
    ]


def test_a_group_whose_callers_are_all_gone_does_nothing(pay, gated, clerk):
    gate = gated()
    futures = [gate.add(pay(5, user=clerk)) for _ in range(3)]

    deactivate(clerk)
    gate.open()

    assert [future.result(timeout=LONG).status_code for future in futures] == [401] * 3
    assert not IdempotencyKey.objects.exists()
    assert not Transfer.objects.filter(source=pay.source).exists()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_permission_that_was_revoked_while_the_request_was_queued_does_not_count(
    pay, gated, clerk, place
):
    gate = gated()
    calls = [pay(1), pay(2)]
    calls.insert(place, pay(5, user=clerk))
    futures = [gate.add(call) for call in calls]

    clerk.user_permissions.clear()
    gate.open()
    answers = [future.result(timeout=LONG) for future in futures]

    refused = answers.pop(place)
    assert (refused.status_code, refused.json()["code"]) == (404, "account_not_found")
    assert [answer.status_code for answer in answers] == [201, 201]


def test_each_member_sees_only_what_its_own_caller_may_see(pay, in_one_group, clerk, bob):
    back = {"source_account_id": pay.dest.pk, "dest_account_id": pay.source.pk}

    ours, theirs, seen = in_one_group(pay(9), pay(3, user=bob, **back), pay(1, user=clerk))

    def visible(answer):
        document = answer.json()
        return ["balance" in document[side] for side in ("source", "dest")]

    assert [visible(answer) for answer in (ours, theirs, seen)] == [
        [True, False],
        [True, False],
        [True, True],
    ]
    relied_on = dict(IdempotencyKey.objects.values_list("user__username", "relied_on"))
    assert relied_on == {
        "alice": "",
        "bob": "",
        "clerk": "accounts.read_any transfers.move_any",
    }


def test_two_members_of_one_caller_do_not_share_what_they_relied_on(pay, in_one_group, clerk):
    account = pay.dest
    account.owner = clerk
    account.save()
    back = {"source_account_id": pay.dest.pk, "dest_account_id": pay.source.pk}
    alone = [pay(1, user=clerk, key="a")(), pay(1, user=clerk, key="b", **back)()]

    in_one_group(pay(1, user=clerk, key="c"), pay(1, user=clerk, key="d", **back))

    relied_on = dict(IdempotencyKey.objects.values_list("key", "relied_on"))
    assert [answer.status_code for answer in alone] == [201, 201]
    assert (relied_on["c"], relied_on["d"]) == (relied_on["a"], relied_on["b"])
    assert relied_on["c"] != relied_on["d"]


@pytest.mark.parametrize("size", [2, 3, 64])
def test_the_permissions_of_all_callers_are_looked_up_by_one_statement(
    pay, in_one_group, make_user, staff, size
):
    clerks = [staff, make_user("transfers.move_any", "accounts.read_any")]
    calls = [Watched(pay(1, user=clerks[number % 2])) for number in range(size)]

    answers = in_one_group(*calls)

    assert [answer.status_code for answer in answers] == [201] * size
    # The statements of a group (see test_groups), and one for the permissions.
    assert len(calls[0].statements) == (6 if connection.vendor == "postgresql" else 9)


def test_request_ids_and_log_lines_are_each_members_own(pay, gated, clerk, caplog):
    names = ["first", "second", "refused", "last"]
    bodies = [{}, {"user": clerk}, {"amount": 10**9}, {}]
    gate = gated()
    futures = []
    with caplog.at_level("INFO", logger="ledger.request"):
        for name, body in zip(names, bodies, strict=True):
            call = pay(**{"amount": 1, **body})
            call.keywords["headers"] = {"X-Request-ID": name}
            futures.append(gate.add(call))
        gate.open()
        answers = [future.result(timeout=LONG) for future in futures]

    assert [answer["X-Request-ID"] for answer in answers] == names
    lines = {
        record.msg["request_id"]: (record.msg["status"], record.msg["user"])
        for record in caplog.records
        if record.name == "ledger.request"
    }
    alice = pay.source.owner_id
    assert lines == {
        "first": (201, alice),
        "second": (201, clerk.pk),
        "refused": (409, alice),
        "last": (201, alice),
    }


def test_an_expired_token_does_not_join_a_group(pay, gated, clerk):
    gate = gated()
    token = AccessToken.for_user(clerk)
    token.set_exp(from_time=token.current_time, lifetime=-token.lifetime)
    call = pay(1)
    call.func.__self__.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    assert call().status_code == 401
    assert gate.combiner.waiting == 0
