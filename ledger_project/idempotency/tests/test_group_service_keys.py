"""Service keys as callers of requests that are carried out in a group."""

from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection

from api.scopes import Scope
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.idempotency.tests.gates import Watched
from ledger_project.idempotency.tests.queues import LONG
from ledger_project.service_keys import services
from ledger_project.service_keys.tests.keys import Held, client_with
from transfers.models import Transfer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order_afterwards"),
]


@pytest.fixture
def make_held(alice):
    """Return a function that creates a service key of alice."""

    def make(*scopes: str, owner: User = alice) -> Held:
        return Held(*services.create(owner=owner, name="backend", scopes=scopes or list(Scope)))

    return make


@pytest.fixture
def pay_with(pay):
    """Return a function like ``pay`` whose call sends the token of a service key."""

    def make(held: Held, amount: int = 1, key: str | None = None, **body):
        order = pay(amount, key, **body).args[1]
        return partial(client_with(held).post, "/transfers", order, key=key)

    return make


def test_people_and_keys_share_a_group_and_its_statements(pay, pay_with, in_one_group, make_held):
    held, other = make_held(), make_held(Scope.TRANSFERS_WRITE)
    calls = [
        Watched(call) for call in (pay(1), pay_with(held, 2), pay_with(held, 3), pay_with(other, 4))
    ]

    answers = in_one_group(*calls)

    assert [answer.status_code for answer in answers] == [201] * 4
    assert [answer.json()["amount"] for answer in answers] == [1, 2, 3, 4]
    # As many as for people only (see test_groups).
    assert len(calls[0].statements) == (5 if connection.vendor == "postgresql" else 8)
    assert [call.statements for call in calls[1:]] == [[]] * 3


def test_a_transfer_by_a_key_takes_as_many_statements_as_one_by_a_person(pay, pay_with, make_held):
    by_person, by_key = Watched(pay(1)), Watched(pay_with(make_held()))

    assert [by_person().status_code, by_key().status_code] == [201, 201]
    assert len(by_key.statements) == len(by_person.statements)


def revoke(held: Held) -> None:
    services.revoke(client_id=held.key.pk, actor=held.key.owner, reason="")


def deactivate(held: Held) -> None:
    User.objects.filter(pk=held.key.owner_id).update(is_active=False)


@pytest.mark.parametrize("end", [revoke, deactivate])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_key_that_ends_while_its_request_is_queued_is_401(
    pay, pay_with, gated, make_held, make_user, end, place
):
    clerk = make_user("transfers.move_any", "accounts.read_any")
    held = make_held(owner=clerk)
    calls = [pay(1), pay(2)]
    calls.insert(place, pay_with(held, 5, key="of-the-key"))
    gate = gated()
    futures = [gate.add(call) for call in calls]

    end(held)
    gate.open()
    answers = [future.result(timeout=LONG) for future in futures]

    refused = answers.pop(place)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_not_valid")
    assert [answer.status_code for answer in answers] == [201, 201]
    assert not IdempotencyKey.objects.filter(key="of-the-key").exists()
    assert not Transfer.objects.filter(source=pay.source, amount=5).exists()


def test_only_the_revoked_one_of_two_keys_of_a_user_is_refused(pay, pay_with, gated, make_held):
    revoked, live = make_held(), make_held()
    gate = gated()
    futures = [gate.add(pay_with(held, number)) for number, held in ((1, revoked), (2, live))]

    revoke(revoked)
    gate.open()

    assert [future.result(timeout=LONG).status_code for future in futures] == [401, 201]


def test_a_key_without_the_scope_does_not_join_a_group(pay_with, gated, make_held):
    gate = gated()

    answer = pay_with(make_held(Scope.CASH_WRITE, Scope.ACCOUNTS_READ))()

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert gate.combiner.waiting == 0


def test_keys_of_one_user_and_the_user_share_their_idempotency_keys(
    pay, pay_with, in_one_group, make_held
):
    first = pay(7, key="shared")()

    [again] = in_one_group(pay_with(make_held(), 7, key="shared"))

    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")
    assert Transfer.objects.filter(source=pay.source, amount=7).count() == 1
