"""Approvals over HTTP: see what waits, and decide."""

from uuid import UUID

from django.db.models import QuerySet
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import EmptySerializer
from api.operations import LOGGED_IN, Operation, users_with
from api.scopes import ONLY_PEOPLE, Scope
from api.viewset import LedgerViewSet
from transfers.approvals import services
from transfers.approvals.examples import (
    APPROVAL,
    APPROVED,
    DECLINED,
    DECLINED_ID,
    WITHDRAWN,
    WITHDRAWN_ID,
)
from transfers.approvals.exceptions import (
    APPROVE_ERRORS,
    DECISION_ERRORS,
    DECLINE_ERRORS,
    ApprovalNotFound,
)
from transfers.approvals.filters import ApprovalFilter
from transfers.approvals.models import Approval
from transfers.approvals.serializers import (
    ApprovalPageSerializer,
    ApprovalSerializer,
    ApproveSerializer,
    DeclineSerializer,
    approval_document,
)

APPROVER = f"{users_with('accounts.read_any', 'transfers.approve')} Not the requester."


class ApprovalViewSet(mixins.ListModelMixin, LedgerViewSet):
    """List, approve, decline and withdraw requests that wait for a second person."""

    queryset = Approval.objects.none()
    serializer_class = ApprovalSerializer
    filterset_class = ApprovalFilter
    cursor_field = "pk"

    def get_queryset(self) -> QuerySet[Approval]:
        people = Approval.objects.select_related("requested_by", "decided_by")
        return people.visible_to(self.actor)

    @Operation(
        "listApprovals",
        "Approvals",
        "List approvals",
        who=f"{LOGGED_IN} They see what they have asked for, or everything with "
        "`accounts.read_any`.",
        scope=Scope.ACCOUNTS_READ,
        description="Newest first. With `status=PENDING`: what waits for a decision.",
        response=ApprovalPageSerializer,
        answers={"The only page": {"items": [APPROVAL], "next_cursor": None}},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)

    @Operation(
        "getApproval",
        "Approvals",
        "Retrieve an approval",
        who="the requester, and users with the permission `accounts.read_any`. In the demo "
        "data, that is `admin`.",
        scope=Scope.ACCOUNTS_READ,
        response=ApprovalSerializer,
        answers={"Waiting": APPROVAL, "Approved": APPROVED},
        errors=(ApprovalNotFound,),
    )
    def retrieve(self, request: Request, approval_id: UUID) -> Response:
        approval = services.find(approval_id=approval_id, actor=self.actor)
        return Response(approval_document(approval))

    @Operation(
        "approveRequest",
        "Approvals",
        "Approve a request",
        who=APPROVER,
        scope=ONLY_PEOPLE,
        description="Carries the request out now, exactly as it was asked for, as the user who "
        "asked. If the ledger refuses, nothing changes and the request goes on waiting.",
        request=ApproveSerializer,
        requests={"With a note": {"note": "Agreed by phone"}},
        response=ApprovalSerializer,
        answers={"Approved": APPROVED},
        errors=APPROVE_ERRORS,
    )
    def approve(self, request: Request, approval_id: UUID) -> Response:
        body = self.read_body(ApproveSerializer)
        approval = services.approve(approval_id=approval_id, actor=self.actor, **body)
        return Response(approval_document(approval))

    @Operation(
        "declineRequest",
        "Approvals",
        "Decline a request",
        who=APPROVER,
        scope=ONLY_PEOPLE,
        description="Nothing is done, and the request can't be approved any more.",
        tried_on=DECLINED_ID,
        request=DeclineSerializer,
        requests={"With a reason": {"reason": "The fee was charged rightly"}},
        response=ApprovalSerializer,
        answers={"Declined": DECLINED},
        errors=DECLINE_ERRORS,
    )
    def decline(self, request: Request, approval_id: UUID) -> Response:
        body = self.read_body(DeclineSerializer)
        approval = services.decline(approval_id=approval_id, actor=self.actor, **body)
        return Response(approval_document(approval))

    @Operation(
        "withdrawRequest",
        "Approvals",
        "Withdraw one's own request",
        who="the requester. In the demo data, that is `admin`.",
        scope=ONLY_PEOPLE,
        description="Nothing is done, and the request can't be approved any more.",
        tried_on=WITHDRAWN_ID,
        request=EmptySerializer,
        requests={"An empty body": {}},
        response=ApprovalSerializer,
        answers={"Withdrawn": WITHDRAWN},
        errors=DECISION_ERRORS,
    )
    def withdraw(self, request: Request, approval_id: UUID) -> Response:
        self.read_body(EmptySerializer)
        approval = services.withdraw(approval_id=approval_id, actor=self.actor)
        return Response(approval_document(approval))
