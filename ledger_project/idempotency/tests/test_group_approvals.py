"""A request that must wait for a second person doesn't delay the others in its group."""

import pytest
from django.db import connection

from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.idempotency.tests.gates import Watched
from transfers.approvals.models import Approval
from transfers.models import Transfer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order_afterwards"),
]

THRESHOLD = 1_000


@pytest.fixture(autouse=True)
def threshold(settings) -> None:
    settings.APPROVAL_THRESHOLD = THRESHOLD


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_request_that_waits_is_carried_out_on_its_own_and_the_others_together(
    pay, in_one_group, staff, place
):
    calls = [Watched(pay(1)), Watched(pay(2))]
    calls.insert(place, Watched(pay(THRESHOLD, user=staff)))
    before = Transfer.objects.count()

    answers = in_one_group(*calls)

    statuses = [201, 201]
    statuses.insert(place, 202)
    assert [answer.status_code for answer in answers] == statuses
    assert [answer.json()["amount"] for answer in answers if answer.status_code == 201] == [1, 2]
    # One transaction for the group, and another one for the request that waits.
    commits = [1, 0, 0]
    commits[place] += 1
    assert [call.commits for call in calls] == commits
    assert Transfer.objects.count() == before + 2
    assert Approval.objects.get().amount == THRESHOLD
    assert IdempotencyKey.objects.count() == 3


@pytest.mark.parametrize("wait", [False, True])
def test_the_statements_of_a_group_do_not_depend_on_whether_a_member_must_wait(
    pay, in_one_group, staff, wait
):
    leader = Watched(pay(1))

    in_one_group(leader, pay(THRESHOLD if wait else 5, user=staff), pay(2))

    # As without a threshold, plus the look-up of the permissions of `staff`.
    expected = 6
    if connection.vendor == "sqlite":
        expected += 3
    assert len(leader.statements) == expected


@pytest.mark.parametrize("amount", [5, THRESHOLD])
def test_a_single_request_that_needs_no_approval_takes_as_many_statements_as_without_a_threshold(
    pay, in_one_group, amount
):
    own = Watched(pay(amount))

    in_one_group(own)

    assert len(own.statements) == 4 + (3 if connection.vendor == "sqlite" else 0)
