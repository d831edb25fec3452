"""Movements over HTTP: cash in and out, transfers, holds, reversals, statements."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils.functional import cached_property
from rest_framework import mixins
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.exceptions import AccountNotFound
from accounts.models import Account
from accounts.rights import may
from accounts.serializers import AccountSerializer, account_document
from accounts.services import settle
from accounts.views import OneAccountViewSet
from api.errors import LedgerError
from api.fields import EmptySerializer
from api.instants import instant
from api.viewset import LedgerViewSet
from transfers import clock, services
from transfers.exceptions import TransferNotFound
from transfers.export import StatementCSVRenderer, csv_response
from transfers.filters import BalanceForm, StatementFilter, TransferFilter
from transfers.kinds import Kind
from transfers.models import LedgerEntry, Transfer
from transfers.querysets import TransferStatus
from transfers.serializers import (
    DEFAULT_HOLD,
    BalanceSerializer,
    BatchSerializer,
    CaptureSerializer,
    CashSerializer,
    ReverseSerializer,
    StatementItemSerializer,
    TransferOrderSerializer,
    TransferSerializer,
    order_of,
    party,
    transfer_document,
)

# The bounds of a statement in time.
RANGE = ("from", "to")


class CashViewSet(LedgerViewSet):
    """Deposit to an account, and withdraw from it."""

    queryset = Account.objects.none()
    serializer_class = AccountSerializer

    def deposit(self, request: Request, account_id: UUID) -> Response:
        body = self.read_body(CashSerializer)
        posted = services.deposit(account_id=account_id, actor=self.actor, **body)
        return self._answer(posted, posted.dest)

    def withdraw(self, request: Request, account_id: UUID) -> Response:
        body = self.read_body(CashSerializer)
        posted = services.withdraw(account_id=account_id, actor=self.actor, **body)
        return self._answer(posted, posted.source)

    def _answer(self, posted: Transfer, account: Account) -> Response:
        return Response({**account_document(account), "transfer_id": str(posted.pk)})


class StatementViewSet(mixins.ListModelMixin, OneAccountViewSet):
    """An account's entries, newest first, and its balance at any time."""

    queryset = LedgerEntry.objects.none()
    serializer_class = StatementItemSerializer
    renderer_classes = (*OneAccountViewSet.renderer_classes, StatementCSVRenderer)
    filterset_class = StatementFilter
    cursor_field = "sequence"
    query_parameters = {"balance": {"at"}}
    public_actions = frozenset({"list"})

    def get_renderers(self) -> list:
        renderers = super().get_renderers()
        return renderers if self.action == "list" else renderers[:1]

    def get_queryset(self) -> QuerySet[LedgerEntry, Any]:
        # What is posted from now on is in no page of this answer.
        return LedgerEntry.objects.statement_of(self.account.pk, up_to=self.account.version)

    def newest(self, queryset: QuerySet, before: int | None, count: int) -> Any:
        if self.is_filtered():
            return super().newest(queryset, before, count)
        up_to = self.account.version if before is None else min(before - 1, self.account.version)
        return LedgerEntry.objects.newest_lines(self.account.pk, up_to, count)

    def list(self, request: Request, account_id: UUID) -> Any:
        if request.accepted_renderer.format == StatementCSVRenderer.format:
            return csv_response(self.filter_queryset(self.get_queryset()), account_id)
        return super().list(request)

    def balance(self, request: Request, account_id: UUID) -> Response:
        at = self.read_query(BalanceForm)["at"]
        try:
            account = self.account
        except AccountNotFound:
            # The query is checked before the account is looked for.
            if at is not None:
                _check_is_past(at, clock.now())
            raise
        now = clock.reading(account.locked_at)
        # A clock that was set back is behind what was posted before.
        now = max(now, account.last_posted_at or now)
        if at is None:
            at = now
            balance, sequence = account.balance, account.version
        else:
            _check_is_past(at, now)
            balance, sequence = LedgerEntry.objects.as_of(account.pk, at)
        body = {
            "account_id": account.pk,
            "currency": account.currency,
            "at": instant(at),
            "balance": balance,
            "sequence": sequence,
        }
        return Response(BalanceSerializer(body).data)

    def carried_by_cursor(self) -> dict[str, int]:
        """
        Return the opening and the closing balance, if a range is asked for.

        They are read for the first page, and the cursor carries them to the others: the same on
        every page, whatever is posted meanwhile.
        """
        if not self._asks_of_an_instant():
            return {}
        query = self.filters_of(self.request)
        since, until = query["from"], query["to"]
        entries = LedgerEntry.objects.filter(sequence__lte=self.account.version)
        return {
            "opening_balance": entries.balance_before(self.account.pk, since) if since else 0,
            "closing_balance": (
                entries.balance_before(self.account.pk, until) if until else self.account.balance
            ),
        }

    @cached_property
    def account(self) -> Account:
        """The account of the path, if the caller may see it."""
        account = self.visible_account(self.kwargs["account_id"])
        return settle(account_id=account.pk) if self._asks_of_an_instant() else account

    def _asks_of_an_instant(self) -> bool:
        return self.action == "balance" or not self.request.query_params.keys().isdisjoint(RANGE)


def _check_is_past(at: datetime, now: datetime) -> None:
    if at > now:
        raise ValidationError({"at": [ErrorDetail("This instant is yet to come.", "future")]})


class TransferViewSet(mixins.ListModelMixin, LedgerViewSet):
    """Post, hold, reverse and look at transfers. What has happened is never edited or deleted."""

    queryset = Transfer.objects.all()
    serializer_class = TransferSerializer
    filterset_class = TransferFilter
    cursor_field = "id"

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
        return list(queryset.newest_touching(accounts, last, count))

    def retrieve(self, request: Request, transfer_id: UUID) -> Response:
        transfer = self.get_queryset().filter(pk=transfer_id).first()
        if transfer is None:
            raise TransferNotFound(transfer_id)
        return Response(transfer_document(transfer))

    def create(self, request: Request) -> Response:
        body = self.read_body(TransferOrderSerializer)
        order = order_of(body)
        if body["hold"]:
            expires_in = (
                timedelta(seconds=body["expires_in"]) if "expires_in" in body else DEFAULT_HOLD
            )
            return self._answer(services.hold(order=order, expires_in=expires_in, actor=self.actor))
        return self._answer(services.transfer(order=order, actor=self.actor))

    def _answer(self, posted: Transfer) -> Response:
        body = transfer_document(posted)
        body["source"] = party(posted.source, posted.source.is_visible_to(self.actor))
        body["dest"] = party(posted.dest, posted.dest.is_visible_to(self.actor))
        return Response(body, status=201, headers={"Location": f"/transfers/{posted.pk}"})

    def capture(self, request: Request, transfer_id: UUID) -> Response:
        body = self.read_body(CaptureSerializer)
        return self._answer(services.capture(hold_id=transfer_id, actor=self.actor, **body))

    def void(self, request: Request, transfer_id: UUID) -> Response:
        self.read_body(EmptySerializer)
        return self._answer(services.void(hold_id=transfer_id, actor=self.actor))

    def reverse(self, request: Request, transfer_id: UUID) -> Response:
        body = self.read_body(ReverseSerializer)
        return self._answer(services.reverse(transfer_id=transfer_id, actor=self.actor, **body))


class BatchViewSet(LedgerViewSet):
    """Post many transfers at once, all or nothing."""

    queryset = Transfer.objects.none()
    serializer_class = TransferSerializer
    # The largest of all: what is longer is refused before it is read.
    max_body = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    def create(self, request: Request) -> Response:
        orders = [order_of(item) for item in self.read_body(BatchSerializer)["transfers"]]
        try:
            posted = services.post_batch(orders=orders, actor=self.actor)
        except LedgerError as refusal:
            if refusal.index is not None:
                refusal.evidence |= {
                    "pointer": f"#/transfers/{refusal.index}",
                    "index": refusal.index,
                }
            raise
        documents = [transfer_document(each) for each in posted]
        return Response({"transfers": documents}, status=201)
