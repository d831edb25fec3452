"""The API's routes for accounts."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.examples import ACCOUNT, EMPTY_ACCOUNT_ID, FROZEN_ACCOUNT_ID, NEW_ACCOUNT
from accounts.exceptions import (
    CLOSE_ERRORS,
    DESCRIBE_ERRORS,
    FREEZE_ERRORS,
    AccountNotFound,
)
from accounts.filters import AccountFilter
from accounts.models import Account
from accounts.serializers import (
    AccountPageSerializer,
    AccountSerializer,
    DescribeAccountSerializer,
    OpenAccountSerializer,
    ReasonSerializer,
    account_document,
)
from api.operations import LOGGED_IN, PUBLIC_READER, Operation, owner_or, users_with
from api.scopes import Scope
from api.viewset import LedgerViewSet


class OneAccountViewSet(LedgerViewSet):
    """A base class for routes with the id of an account in their path."""

    def visible_account(self, account_id: UUID) -> Account:
        """
        Return the account in the path.

        :raises AccountNotFound: if it doesn't exist, or the caller may not see it
        """
        account = Account.objects.find(account_id)
        if account is None or not (self.is_public or account.is_visible_to(self.request.user)):
            raise AccountNotFound(account_id)
        return account


class AccountViewSet(mixins.ListModelMixin, OneAccountViewSet):
    """Open, list, retrieve, update, close, freeze and unfreeze accounts."""

    queryset = Account.objects.customers()
    serializer_class = AccountSerializer
    filterset_class = AccountFilter
    cursor_field = "id"
    public_actions = frozenset({"retrieve"})

    def get_queryset(self) -> QuerySet[Account]:
        return Account.objects.visible_to(self.request.user)

    @Operation(
        "openAccount",
        "Accounts",
        "Open an account",
        who=LOGGED_IN,
        scope=Scope.ACCOUNTS_WRITE,
        description="The account belongs to the caller. Its balance is 0.",
        request=OpenAccountSerializer,
        requests={
            "In US dollars": {
                "owner_name": "Ada Lovelace",
                "currency": "USD",
                "metadata": {"purpose": "household"},
            },
            "With a name only": {"owner_name": "Grace Hopper"},
        },
        status=201,
        response=AccountSerializer,
        answers={"Opened": NEW_ACCOUNT},
    )
    def create(self, request: Request) -> Response:
        body = self.read_body(OpenAccountSerializer)
        account = Account.objects.create(owner=self.actor, **body)
        return Response(
            account_document(account),
            status=201,
            headers={"Location": f"/accounts/{account.pk}"},
        )

    @Operation(
        "listAccounts",
        "Accounts",
        "List accounts",
        who=f"{LOGGED_IN} They see their own accounts, or all with `accounts.read_any`.",
        scope=Scope.ACCOUNTS_READ,
        description="Newest first.",
        response=AccountPageSerializer,
        answers={"The only page": {"items": [ACCOUNT], "next_cursor": None}},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)

    @Operation(
        "getAccount",
        "Accounts",
        "Retrieve an account",
        who=PUBLIC_READER,
        scope=Scope.ACCOUNTS_READ,
        response=AccountSerializer,
        answers={"An account": ACCOUNT},
        errors=(AccountNotFound,),
    )
    def retrieve(self, request: Request, account_id: UUID) -> Response:
        return Response(account_document(self.visible_account(account_id)))

    @Operation(
        "describeAccount",
        "Accounts",
        "Update an account",
        who=owner_or("accounts.describe_any"),
        scope=Scope.ACCOUNTS_WRITE,
        description="Members that are left out keep their values. `metadata` is replaced as a "
        "whole.",
        request=DescribeAccountSerializer,
        requests={
            "A new name": {"owner_name": "Ada King"},
            "New metadata": {"metadata": {"purpose": "travel"}},
        },
        response=AccountSerializer,
        answers={"Renamed": {**ACCOUNT, "owner_name": "Ada King"}},
        errors=DESCRIBE_ERRORS,
    )
    def partial_update(self, request: Request, account_id: UUID) -> Response:
        changes = self.read_body(DescribeAccountSerializer)
        account = services.describe(account_id=account_id, actor=self.actor, **changes)
        return Response(account_document(account))

    @Operation(
        "closeAccount",
        "Accounts",
        "Close an account",
        who=owner_or("accounts.close_any"),
        scope=Scope.ACCOUNTS_WRITE,
        description="A closed account can't be opened again. Its balance must be 0, and it must "
        "have no pending holds. Closing a closed account succeeds and changes nothing.",
        tried_on=EMPTY_ACCOUNT_ID,
        request=ReasonSerializer,
        requests={"With a reason": {"reason": "Moved to another bank"}, "Without a reason": {}},
        response=AccountSerializer,
        answers={"Closed": {**NEW_ACCOUNT, "id": EMPTY_ACCOUNT_ID, "status": "CLOSED"}},
        errors=CLOSE_ERRORS,
    )
    def close(self, request: Request, account_id: UUID) -> Response:
        return self._change(services.close, account_id)

    @Operation(
        "freezeAccount",
        "Accounts",
        "Freeze an account",
        who=users_with("accounts.read_any", "accounts.freeze"),
        scope=Scope.ACCOUNTS_WRITE,
        description="No money moves in or out until the account is unfrozen.",
        tried_on=FROZEN_ACCOUNT_ID,
        request=ReasonSerializer,
        requests={"With a reason": {"reason": "Reported as stolen"}, "Without a reason": {}},
        response=AccountSerializer,
        answers={"Frozen": {**ACCOUNT, "id": FROZEN_ACCOUNT_ID, "status": "FROZEN"}},
        errors=FREEZE_ERRORS,
    )
    def freeze(self, request: Request, account_id: UUID) -> Response:
        return self._change(services.freeze, account_id)

    @Operation(
        "unfreezeAccount",
        "Accounts",
        "Unfreeze an account",
        who=users_with("accounts.read_any", "accounts.freeze"),
        scope=Scope.ACCOUNTS_WRITE,
        description="Money can move in and out again.",
        tried_on=FROZEN_ACCOUNT_ID,
        request=ReasonSerializer,
        requests={"With a reason": {"reason": "False alarm"}, "Without a reason": {}},
        response=AccountSerializer,
        answers={"Open again": {**ACCOUNT, "id": FROZEN_ACCOUNT_ID}},
        errors=FREEZE_ERRORS,
    )
    def unfreeze(self, request: Request, account_id: UUID) -> Response:
        return self._change(services.unfreeze, account_id)

    def _change(self, service: Any, account_id: UUID) -> Response:
        body = self.read_body(ReasonSerializer)
        account = service(account_id=account_id, actor=self.actor, **body)
        return Response(account_document(account))
