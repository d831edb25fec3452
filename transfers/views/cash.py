"""Deposits and withdrawals over HTTP."""

from uuid import UUID

from django.contrib.auth.models import User
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.examples import ACCOUNT
from accounts.models import Account
from accounts.serializers import AccountSerializer, account_document
from api.deferred import Answer
from api.operations import Operation
from api.scopes import Scope
from api.viewset import LedgerViewSet
from transfers.answers import CashAnswerSerializer
from transfers.approvals.examples import APPROVAL
from transfers.approvals.serializers import ApprovalSerializer
from transfers.examples import DEBITED, TRANSFER_ID
from transfers.exceptions import DEPOSIT_ERRORS, WITHDRAWAL_ERRORS
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.movements import Order
from transfers.serializers import CashSerializer
from transfers.views.orders import deferred
from transfers.views.who import MAY_WAIT, who_may_move_cash


class CashViewSet(LedgerViewSet):
    """Deposit money into an account and withdraw money from it."""

    queryset = Account.objects.none()
    serializer_class = AccountSerializer
    deferred_actions = frozenset({"deposit", "withdraw"})

    @Operation(
        "deposit",
        "Money",
        "Deposit money",
        who=who_may_move_cash(Kind.DEPOSIT),
        scope=Scope.CASH_WRITE,
        description="Credits the account with money from outside: a transfer of kind DEPOSIT."
        + MAY_WAIT,
        request=CashSerializer,
        requests={"100 dollars": {"amount": 100_00, "memo": "Cash at the counter"}},
        response=CashAnswerSerializer,
        answers={"Deposited": {**ACCOUNT, "transfer_id": TRANSFER_ID}},
        also={(202, "application/json"): {"Waits for approval": APPROVAL}},
        shapes={202: ApprovalSerializer},
        errors=DEPOSIT_ERRORS,
    )
    def deposit(self, request: Request, account_id: UUID) -> Response:
        body = self.read_body(CashSerializer)
        order = Order(kind=Kind.DEPOSIT, source_id=None, dest_id=account_id, **body)
        return deferred(order, _answer)

    @Operation(
        "withdraw",
        "Money",
        "Withdraw money",
        who=who_may_move_cash(Kind.WITHDRAWAL),
        scope=Scope.CASH_WRITE,
        description="Debits the account and pays the money out: a transfer of kind WITHDRAWAL."
        + MAY_WAIT,
        request=CashSerializer,
        requests={"25 dollars": {"amount": 25_00, "memo": "Cash machine"}},
        response=CashAnswerSerializer,
        answers={"Withdrawn": {**DEBITED, "transfer_id": TRANSFER_ID}},
        also={(202, "application/json"): {"Waits for approval": APPROVAL}},
        shapes={202: ApprovalSerializer},
        errors=WITHDRAWAL_ERRORS,
    )
    def withdraw(self, request: Request, account_id: UUID) -> Response:
        body = self.read_body(CashSerializer)
        order = Order(kind=Kind.WITHDRAWAL, source_id=account_id, dest_id=None, **body)
        return deferred(order, _answer)


def _answer(posted: Transfer, actor: User) -> Answer:
    account = posted.dest if posted.kind == Kind.DEPOSIT else posted.source
    return Answer(200, {**account_document(account), "transfer_id": str(posted.pk)}, {})
