"""Statements and past balances over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import cached_property
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import mixins
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.exceptions import AccountNotFound
from accounts.models import Account
from accounts.services import settle
from accounts.views import OneAccountViewSet
from api.operations import PUBLIC_READER, READER, Operation
from api.scopes import Scope
from transfers import clock
from transfers.answers import StatementPageSerializer
from transfers.examples import BALANCE, ITEM, STATEMENT_CSV
from transfers.export import StatementCSVRenderer, csv_response
from transfers.filters import BalanceForm, StatementFilter
from transfers.models import LedgerEntry
from transfers.serializers import BalanceSerializer, StatementItemSerializer

# The query parameters that limit a statement to a range in time.
RANGE = ("from", "to")


class StatementViewSet(mixins.ListModelMixin, OneAccountViewSet):
    """List the entries of an account, newest first, and retrieve its balance at any time."""

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
        account = self.account
        if not self.is_filtered() and self.request.accepted_renderer.format == "json":
            # `newest` doesn't need it, and composing it takes a tenth of the time of a page.
            return self.queryset
        # Leave out entries that are posted after the account was read.
        return LedgerEntry.objects.statement_of(account.pk, up_to=account.version)

    def newest(self, queryset: QuerySet, before: int | None, count: int) -> Any:
        if self.is_filtered():
            return super().newest(queryset, before, count)
        up_to = self.account.version if before is None else min(before - 1, self.account.version)
        return LedgerEntry.objects.newest_lines(self.account.pk, up_to, count)

    @Operation(
        "getStatement",
        "Statements",
        "Retrieve a statement",
        who=PUBLIC_READER,
        scope=Scope.ACCOUNTS_READ,
        description="The entries of an account, newest first, each with the balance after it. With "
        "`from` or `to`, every page also has the opening and closing balance of the whole range. "
        "With `Accept: text/csv`, the whole range is returned as one CSV file, and `limit` and "
        "`cursor` are ignored.",
        response=StatementPageSerializer,
        answers={
            "The only page": {"items": [ITEM], "next_cursor": None},
            "With a range": {
                "items": [ITEM],
                "next_cursor": None,
                "opening_balance": 100_00,
                "closing_balance": 75_00,
            },
        },
        also={(200, "text/csv"): {"csv": STATEMENT_CSV}},
        errors=(AccountNotFound,),
    )
    def list(self, request: Request, account_id: UUID) -> Any:
        if request.accepted_renderer.format == StatementCSVRenderer.format:
            return csv_response(self.filter_queryset(self.get_queryset()), account_id)
        return super().list(request)

    @Operation(
        "getBalance",
        "Statements",
        "Retrieve a balance at a point in time",
        who=READER,
        scope=Scope.ACCOUNTS_READ,
        description="The balance at a past instant never changes, whatever is posted later.",
        parameters=(
            OpenApiParameter(
                "at",
                OpenApiTypes.DATETIME,
                description="Defaults to now. Entries posted at this instant are included. RFC "
                "3339 with an offset: `2026-01-31T12:00:00Z`. Can't be in the future.",
            ),
        ),
        response=BalanceSerializer,
        answers={"At noon": BALANCE},
        errors=(AccountNotFound,),
    )
    def balance(self, request: Request, account_id: UUID) -> Response:
        at = self.read_query(BalanceForm)["at"]
        try:
            account = self.account
        except AccountNotFound:
            # An invalid query takes precedence over an unknown account.
            if at is not None:
                _check_is_past(at, clock.now())
            raise
        now = clock.reading(account.locked_at)
        # After the clock was set back, entries may have later times than it shows.
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
            "at": at,
            "balance": balance,
            "sequence": sequence,
        }
        return Response(BalanceSerializer(body).data)

    def carried_by_cursor(self) -> dict[str, int]:
        """
        Return the opening and closing balance of the requested range, if any, in minor units.

        They are read for the first page. The cursor carries them to the other pages, so that they
        don't change while later entries are posted.
        """
        if not self._depends_on_time():
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
        """
        The account in the path.

        :raises AccountNotFound: if it doesn't exist or the caller may not see it
        """
        account = self.visible_account(self.kwargs["account_id"])
        if not self._depends_on_time():
            return account
        return settle(account_id=account.pk, instants=self._instants())

    def _instants(self) -> Sequence[datetime]:
        """Return the instants that the request asks about."""
        if self.action == "balance":
            asked = [self.read_query(BalanceForm)["at"]]
        else:
            filters = self.filters_of(self.request)
            asked = [filters[name] for name in RANGE]
        return [instant for instant in asked if instant is not None]

    def _depends_on_time(self) -> bool:
        return self.action == "balance" or not self.request.query_params.keys().isdisjoint(RANGE)


def _check_is_past(at: datetime, now: datetime) -> None:
    if at > now:
        raise ValidationError({"at": [ErrorDetail("This instant is in the future.", "future")]})
