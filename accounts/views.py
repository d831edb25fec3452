"""Accounts over HTTP."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.exceptions import AccountNotFound
from accounts.filters import AccountFilter
from accounts.models import Account
from accounts.serializers import (
    AccountSerializer,
    DescribeAccountSerializer,
    OpenAccountSerializer,
    ReasonSerializer,
    account_document,
)
from api.viewset import LedgerViewSet


class OneAccountViewSet(LedgerViewSet):
    """The routes that read an account."""

    def visible_account(self, account_id: UUID) -> Account:
        """
        Return an account that is in the path.

        :raises AccountNotFound: if there is none that the caller may see
        """
        account = Account.objects.find(account_id)
        if account is None or not (self.is_public or account.is_visible_to(self.request.user)):
            raise AccountNotFound(account_id)
        return account


class AccountViewSet(mixins.ListModelMixin, OneAccountViewSet):
    """Open an account, look at it, describe it, close it. Its money is moved by transfers."""

    queryset = Account.objects.customers()
    serializer_class = AccountSerializer
    filterset_class = AccountFilter
    cursor_field = "id"
    public_actions = frozenset({"retrieve"})

    def get_queryset(self) -> QuerySet[Account]:
        return Account.objects.visible_to(self.request.user)

    def create(self, request: Request) -> Response:
        body = self.read_body(OpenAccountSerializer)
        account = Account.objects.create(owner=self.actor, **body)
        return Response(
            account_document(account),
            status=201,
            headers={"Location": f"/accounts/{account.pk}"},
        )

    def retrieve(self, request: Request, account_id: UUID) -> Response:
        return Response(account_document(self.visible_account(account_id)))

    def partial_update(self, request: Request, account_id: UUID) -> Response:
        changes = self.read_body(DescribeAccountSerializer)
        account = services.describe(account_id=account_id, actor=self.actor, **changes)
        return Response(account_document(account))

    def close(self, request: Request, account_id: UUID) -> Response:
        return self._change(services.close, account_id)

    def freeze(self, request: Request, account_id: UUID) -> Response:
        return self._change(services.freeze, account_id)

    def unfreeze(self, request: Request, account_id: UUID) -> Response:
        return self._change(services.unfreeze, account_id)

    def _change(self, service: Any, account_id: UUID) -> Response:
        body = self.read_body(ReasonSerializer)
        account = service(account_id=account_id, actor=self.actor, **body)
        return Response(account_document(account))
