"""The approvals of the demo data, which are those of the examples in the OpenAPI document."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import Group, User

from accounts.models import Account
from transfers.approvals.examples import APPROVAL, APPROVAL_ID, DECLINED_ID, WITHDRAWN_ID
from transfers.approvals.models import Approval


def create_demo_approvals(approver: User, source: Account, dest: Account, at: datetime) -> None:
    """
    Create pending approvals: two that a new user `clerk` has asked for, and one of ``approver``.

    Nobody can log in as `clerk`, who has no password.
    """
    clerk = User.objects.create_user(str(APPROVAL["requested_by"]))
    clerk.groups.set(Group.objects.filter(name="Operations"))
    for approval_id, requester in (
        (APPROVAL_ID, clerk),
        (DECLINED_ID, clerk),
        (WITHDRAWN_ID, approver),
    ):
        Approval.objects.create(
            pk=UUID(approval_id),
            **{name: APPROVAL[name] for name in ("kind", "amount", "memo")},
            currency=source.currency,
            source=source,
            dest=dest,
            requested_by=requester,
            requested_at=at,
        )
