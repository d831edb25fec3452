"""The audit finds approvals by one person, and results that weren't asked for."""

import pytest
from django.db.models import F

from audit.ledger import check_ledger
from audit.tests.tampering import unguarded
from transfers.approvals import services
from transfers.approvals.models import Approval
from transfers.models import Transfer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("threshold")]


def failed() -> dict[str, list[str]]:
    return {
        check.name: [finding.subject for finding in check.examples]
        for check in check_ledger().checks
        if not check.ok and not check.name.startswith("schema_")
    }


@pytest.fixture
def approved(ask, checker) -> Approval:
    """An approved transfer, next to approvals of all kinds with all statuses."""
    for kind in ("DEPOSIT", "WITHDRAWAL", "HOLD", "REVERSAL", "OVERDRAFT_LIMIT"):
        services.approve(approval_id=ask(kind).pk, actor=checker)
    asked = ask()
    services.decline(approval_id=asked.pk, actor=checker, reason="no")
    services.withdraw(approval_id=ask().pk, actor=asked.requested_by)
    ask()
    return services.approve(approval_id=ask().pk, actor=checker)


def test_approvals_of_all_kinds_pass(approved):
    assert failed() == {}
    assert len(set(Approval.objects.values_list("kind", flat=True))) == 6
    assert len(set(Approval.objects.values_list("status", flat=True))) == 4


CORRUPTIONS = {
    "approved by the requester": ("approval_by_two_people", {"decided_by": F("requested_by")}),
    "decided by nobody": ("approval_by_two_people", {"decided_by": None}),
    "no result": ("approval_has_its_result", {"transfer": None}),
    "another amount": ("approval_has_its_result", {"amount": F("amount") + 1}),
    "another destination": ("approval_has_its_result", {"dest": F("source")}),
    "another memo": ("approval_has_its_result", {"memo": "another"}),
    "another kind": ("approval_has_its_result", {"kind": "DEPOSIT"}),
    "a declined one with a result": ("approval_has_its_result", {"status": "DECLINED"}),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_an_altered_approval_is_found(approved, name):
    check, change = CORRUPTIONS[name]
    with unguarded():
        Approval.objects.filter(pk=approved.pk).update(**change)

        assert failed() == {check: [str(approved.pk)]}


def test_a_transfer_that_somebody_else_has_made_is_found(approved, checker):
    with unguarded():
        Transfer.objects.filter(pk=approved.transfer_id).update(created_by=checker)

        assert failed() == {"approval_has_its_result": [str(approved.pk)]}


def test_another_limit_than_was_asked_for_is_found(approved):
    limit = Approval.objects.get(kind="OVERDRAFT_LIMIT")
    with unguarded():
        Approval.objects.filter(pk=limit.pk).update(amount=1)

        assert failed() == {"approval_has_its_result": [str(limit.pk)]}
