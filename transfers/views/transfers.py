"""Transfers, holds and reversals over HTTP."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.examples import ACCOUNT, ACCOUNT_ID
from accounts.exceptions import AccountNotFound, ApprovalRequired
from accounts.models import Account
from accounts.rights import may
from api.deferred import Answer
from api.fields import EmptySerializer
from api.operations import LOGGED_IN, Operation
from api.scopes import Scope
from api.viewset import LedgerViewSet
from transfers import services
from transfers.answers import TransferAnswerSerializer, TransferPageSerializer
from transfers.approvals.examples import APPROVAL
from transfers.approvals.serializers import ApprovalSerializer, waiting
from transfers.approvals.services import ask_for_reversal
from transfers.examples import (
    CAPTURE,
    CREDITED,
    DEBITED,
    EMPTIED,
    HOLD_ID,
    HOLD_ORDER,
    ORDER,
    OTHER_HOLD_ID,
    PENDING,
    RESERVED,
    REVERSAL,
    STRANGER,
    TRANSFER,
    VOID,
)
from transfers.exceptions import (
    CAPTURE_ERRORS,
    ORDER_ERRORS,
    REVERSAL_ERRORS,
    VOID_ERRORS,
    TransferNotFound,
)
from transfers.filters import TransferFilter
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.querysets import TransferStatus
from transfers.serializers import (
    CaptureSerializer,
    ReverseSerializer,
    TransferOrderSerializer,
    TransferSerializer,
    order_of,
    party,
    transfer_document,
)
from transfers.views.orders import deferred
from transfers.views.who import MAY_WAIT, who_may


class TransferViewSet(mixins.ListModelMixin, LedgerViewSet):
    """Create, list and reverse transfers and holds. They are never edited or deleted."""

    queryset = Transfer.objects.all()
    serializer_class = TransferSerializer
    filterset_class = TransferFilter
    cursor_field = "id"
    deferred_actions = frozenset({"create"})

    def get_queryset(self) -> QuerySet[Transfer]:
        if self.action == "list":
            return Transfer.objects.with_resolution()
        return Transfer.objects.visible_to(self.request.user).with_resolution()

    def newest(self, queryset: Any, before: str | None, count: int) -> list:
        last = None if before is None else UUID(before)
        query = self.request.query_params
        accounts = Account.objects.visible_to(self.actor)
        if account_id := query.get("account_id"):
            accounts = accounts.filter(pk=account_id)
        elif may(self.actor, "accounts.read_any"):
            kind = Kind(query["kind"]) if "kind" in query else None
            status = TransferStatus(query["status"]) if "status" in query else None
            return list(queryset.newest_of_all(kind, status, last, count))
        return list(queryset.newest_of_accounts(accounts, last, count))

    @Operation(
        "listTransfers",
        "Transfers",
        "List transfers",
        who=f"{LOGGED_IN} They see the transfers of their own accounts, or all with "
        "`accounts.read_any`.",
        scope=Scope.ACCOUNTS_READ,
        description="Newest first.",
        response=TransferPageSerializer,
        answers={"The only page": {"items": [TRANSFER], "next_cursor": None}},
        errors=(AccountNotFound,),
    )
    def list(self, request: Request) -> Response:
        return super().list(request)

    @Operation(
        "getTransfer",
        "Transfers",
        "Retrieve a transfer",
        who="the owners of the source and the destination, and users with the "
        "permission `accounts.read_any`.",
        scope=Scope.ACCOUNTS_READ,
        response=TransferSerializer,
        answers={"A transfer": TRANSFER, "A hold": PENDING},
        errors=(TransferNotFound,),
    )
    def retrieve(self, request: Request, transfer_id: UUID) -> Response:
        transfer = self.get_queryset().filter(pk=transfer_id).first()
        if transfer is None:
            raise TransferNotFound(transfer_id)
        return Response(transfer_document(transfer))

    @Operation(
        "createTransfer",
        "Transfers",
        "Create a transfer or a hold",
        who=who_may(Kind.TRANSFER),
        scope=Scope.TRANSFERS_WRITE,
        description="Moves money to any other account of the same currency. With `hold`, the "
        "amount is only reserved until the hold is captured, voided or expires." + MAY_WAIT,
        request=TransferOrderSerializer,
        requests={"A transfer": ORDER, "A hold for a day": HOLD_ORDER},
        status=201,
        response=TransferAnswerSerializer,
        answers={
            "Posted": {**TRANSFER, "source": DEBITED, "dest": STRANGER},
            "Held": {**PENDING, "source": RESERVED, "dest": STRANGER},
        },
        also={(202, "application/json"): {"Waits for approval": APPROVAL}},
        shapes={202: ApprovalSerializer},
        errors=ORDER_ERRORS,
    )
    def create(self, request: Request) -> Response:
        return deferred(order_of(self.read_body(TransferOrderSerializer)), _answer)

    def _respond(self, posted: Transfer) -> Response:
        return _response(_answer(posted, self.actor))

    @Operation(
        "captureHold",
        "Transfers",
        "Capture a hold",
        who=who_may(Kind.CAPTURE),
        scope=Scope.TRANSFERS_WRITE,
        description="Moves the held amount, or part of it, to the destination. The rest is "
        "released. To try it out, place a hold first and use its id.",
        tried_on=HOLD_ID,
        request=CaptureSerializer,
        requests={"25 dollars of it": {"amount": 25_00}},
        status=201,
        response=TransferAnswerSerializer,
        answers={"Captured": {**CAPTURE, "source": {"id": ACCOUNT_ID}, "dest": CREDITED}},
        errors=CAPTURE_ERRORS,
    )
    def capture(self, request: Request, transfer_id: UUID) -> Response:
        body = self.read_body(CaptureSerializer)
        return self._respond(services.capture(hold_id=transfer_id, actor=self.actor, **body))

    @Operation(
        "voidHold",
        "Transfers",
        "Void a hold",
        who=who_may(Kind.VOID),
        scope=Scope.TRANSFERS_WRITE,
        description="Releases the held amount. To try it out, place a hold first and use its id.",
        tried_on=OTHER_HOLD_ID,
        request=EmptySerializer,
        requests={"An empty body": {}},
        status=201,
        response=TransferAnswerSerializer,
        answers={"Voided": {**VOID, "source": ACCOUNT, "dest": STRANGER}},
        errors=VOID_ERRORS,
    )
    def void(self, request: Request, transfer_id: UUID) -> Response:
        self.read_body(EmptySerializer)
        return self._respond(services.void(hold_id=transfer_id, actor=self.actor))

    @Operation(
        "reverseTransfer",
        "Transfers",
        "Reverse a transfer",
        # The source of a reversal is the destination of the transfer that the caller names.
        who=who_may(Kind.REVERSAL, "the owner of the destination")
        + " Reversing a deposit or a withdrawal also requires the right to move cash.",
        scope=Scope.TRANSFERS_WRITE,
        description="Moves the whole amount back, if the destination can afford it. A transfer can "
        "be reversed once." + MAY_WAIT,
        request=ReverseSerializer,
        requests={"With a reason": {"memo": "Paid twice"}},
        status=201,
        response=TransferAnswerSerializer,
        answers={"Reversed": {**REVERSAL, "source": EMPTIED, "dest": {"id": ACCOUNT_ID}}},
        also={(202, "application/json"): {"Waits for approval": APPROVAL}},
        shapes={202: ApprovalSerializer},
        errors=REVERSAL_ERRORS,
    )
    def reverse(self, request: Request, transfer_id: UUID) -> Response:
        body = self.read_body(ReverseSerializer)
        wanted = {"transfer_id": transfer_id, "actor": self.actor, **body}
        try:
            return self._respond(services.reverse(**wanted))
        except ApprovalRequired:
            return _response(waiting(ask_for_reversal(**wanted)))


def _response(answer: Answer) -> Response:
    return Response(answer.data, status=answer.status, headers=answer.headers)


def _answer(posted: Transfer, actor: User) -> Answer:
    data = transfer_document(posted)
    data["source"] = party(posted.source, posted.source.is_visible_to(actor))
    data["dest"] = party(posted.dest, posted.dest.is_visible_to(actor))
    return Answer(201, data, {"Location": f"/transfers/{posted.pk}"})
