"""
Adds to the page of an account what ``accounts`` itself can't import: its chart, its statement, its
holds, and the actions that move money.
"""

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path, reverse

from accounts.admin.account import AccountAdmin
from accounts.admin.actions import Freeze, Unfreeze
from accounts.admin.pages import LAST_ROWS, available_in
from accounts.enums import AccountKind
from accounts.models import Account
from api.instants import instant
from transfers import clock
from transfers.admin.approval import pending_of
from transfers.admin.chart import balance_chart
from transfers.admin.export import answer, days_form, number, statement_file
from transfers.admin.filtered import FilteredFileAdmin
from transfers.admin.links import entry_row
from transfers.admin.moving import CloseWhenEmpty, Deposit, MoveOut, Withdraw
from transfers.admin.open_holds import open_holds
from transfers.admin.waiting import SetLimitOrAsk
from transfers.export import harmless
from transfers.models import LedgerEntry

admin.site.unregister(Account)


@admin.register(Account)
class AccountWithStatementAdmin(AccountAdmin, FilteredFileAdmin):
    """The admin of accounts, with the entries of an account on its page, newest first."""

    action_pages = (Deposit, Withdraw, MoveOut, Freeze, Unfreeze, SetLimitOrAsk, CloseWhenEmpty)
    change_form_template = "admin/transfers/account.html"
    csv_header = (
        *("id", "owner_name", "owner", "currency", "kind", "status", "balance", "held"),
        *("available", "overdraft_limit", "created_at"),
    )

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export)
        name = "accounts_account_statement"
        return [path("<path:object_id>/statement.csv", export, name=name), *super().get_urls()]

    def csv_cells(self, row: Account) -> tuple[Any, ...]:
        is_stored = row.kind == AccountKind.CUSTOMER
        figures = (row.balance, row.held, available_in(row), row.overdraft_limit)
        return (
            row.pk,
            harmless(row.owner_name),
            harmless(row.owner.get_username()) if row.owner else None,
            row.currency,
            row.kind,
            row.status,
            *(number(each if is_stored else None, row.currency) for each in figures),
            instant(row.created_at),
        )

    def export(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Return the statement of a customer's account in a range of days as a CSV file."""
        account = self.get_object(request, object_id)
        if not self.has_view_permission(request, account):
            raise PermissionDenied
        if account is None or account.kind != AccountKind.CUSTOMER:
            raise Http404
        back = reverse("admin:accounts_account_change", args=[account.pk])
        return answer(self, request, back, partial(statement_file, account))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        account = context["original"]
        context["days"] = None
        if account.kind == AccountKind.CUSTOMER:
            context["days"] = days_form({}, clock.now().date())
        before = _entry_of(account, request.GET.get("before", ""))
        # Read one more entry than is shown, to know whether there are older ones.
        entries = list(entries_of(account, before)[: LAST_ROWS + 1])
        shown = entries[:LAST_ROWS]
        context["rows"] = [entry_row(entry, entry.transfer) for entry in shown]
        context["is_first_page"] = before is None
        context["last"] = shown[-1] if len(entries) > LAST_ROWS else None
        context["chart"] = balance_chart(account)
        context["holds"] = open_holds(request, account)
        context["approvals"] = pending_of(account)
        return super().render_change_form(request, context, *args, **kwargs)


def entries_of(account: Account, before: LedgerEntry | None = None) -> QuerySet[LedgerEntry]:
    """
    Return an account's entries, newest first. With ``before``, return only those older than it.

    Each page is read from an index, and takes the same time however long the history is.
    """
    entries = account.entries.select_related("transfer__source", "transfer__dest", "transfer__hold")
    # The entries of an EXTERNAL account have no sequence. There is an index for each order.
    if account.kind == AccountKind.EXTERNAL:
        if before is not None:
            entries = entries.filter(ts__lte=before.ts).exclude(ts=before.ts, pk__gte=before.pk)
        return entries.order_by("-ts", "-pk")
    if before is not None:
        entries = entries.filter(sequence__lt=before.sequence)
    return entries.order_by("-sequence")


def _entry_of(account: Account, entry_id: str) -> LedgerEntry | None:
    try:
        return account.entries.filter(pk=UUID(entry_id)).first()
    except ValueError:
        return None
