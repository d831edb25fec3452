"""People who decide at the same time: exactly one decision, and at most one effect."""

import pytest
from django.contrib.auth.models import Group, User

from accounts.models import Account
from audit.ledger import check_ledger
from transfers.approvals import services
from transfers.approvals.exceptions import AlreadyDecided
from transfers.approvals.models import Approval
from transfers.approvals.tests.conftest import THRESHOLD
from transfers.models import Transfer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("threshold")]


@pytest.fixture
def checkers(make_user) -> list[User]:
    people = [make_user() for _ in range(4)]
    for each in people:
        each.groups.add(Group.objects.get(name="Approvers"))
    return people


@pytest.mark.parametrize("kind", ["TRANSFER", "REVERSAL", "OVERDRAFT_LIMIT"])
def test_several_who_approve_at_once_have_one_effect(ask, race, checkers, source, kind):
    asked = ask(kind)
    done = Transfer.objects.count()

    results = race(
        *(
            lambda checker=checker: services.approve(approval_id=asked.pk, actor=checker)
            for checker in checkers
        )
    )

    [approval] = [each for each in results if isinstance(each, Approval)]
    refusals = [each for each in results if isinstance(each, AlreadyDecided)]
    assert len(refusals) == len(checkers) - 1
    stored = Approval.objects.get()
    assert (stored.status, stored.decided_by) == ("APPROVED", approval.decided_by)
    assert Transfer.objects.count() - done == (kind != "OVERDRAFT_LIMIT")
    assert Account.objects.get(pk=source.pk).changes.count() == (kind == "OVERDRAFT_LIMIT")
    assert check_ledger().ok


def test_approving_declining_and_withdrawing_at_once_lead_to_one_decision(
    ask, race, checkers, staff
):
    asked = ask()
    done = Transfer.objects.count()

    results = race(
        lambda: services.approve(approval_id=asked.pk, actor=checkers[0]),
        lambda: services.decline(approval_id=asked.pk, actor=checkers[1], reason="no"),
        lambda: services.withdraw(approval_id=asked.pk, actor=staff),
    )

    [decided] = [each for each in results if isinstance(each, Approval)]
    assert sum(isinstance(each, AlreadyDecided) for each in results) == 2
    assert Approval.objects.get().status == decided.status
    assert Transfer.objects.count() - done == (decided.status == "APPROVED")


def test_two_requests_that_only_one_can_be_afforded_of(ask, race, checkers, source):
    amount = 6 * THRESHOLD
    asked = [ask("WITHDRAWAL", amount), ask("WITHDRAWAL", amount)]

    results = race(
        *(
            lambda each=each, checker=checker: services.approve(approval_id=each.pk, actor=checker)
            for each, checker in zip(asked, checkers, strict=False)
        )
    )

    assert sum(isinstance(each, Approval) for each in results) == 1
    assert sorted(Approval.objects.values_list("status", flat=True)) == ["APPROVED", "PENDING"]
    assert Account.objects.get(pk=source.pk).balance == 10_000 - amount


def test_the_reversal_of_a_transfer_that_is_asked_for_several_times_at_once_waits_once(
    ask, race, staff
):
    transfer = ask("REVERSAL").reverses
    Approval.objects.update(status="WITHDRAWN", decided_by=staff, decided_at=transfer.created_at)

    results = race(
        *(lambda: services.ask_for_reversal(transfer_id=transfer.pk, actor=staff) for _ in range(4))
    )

    [waiting] = Approval.objects.filter(status="PENDING")
    assert results == [waiting] * 4
