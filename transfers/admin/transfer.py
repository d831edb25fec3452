"""The list of transfers and the page of one transfer, with the action that reverses it."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path, reverse
from django.utils.html import format_html

from accounts.admin import search
from accounts.admin.action_page import ActionsAdmin
from accounts.admin.bulk import ask_then_act
from accounts.admin.pages import (
    DASH,
    account_link,
    money_shown,
    name_and_id,
    time_shown,
)
from accounts.rights import may
from transfers import clock
from transfers.admin.export import TRANSFERS, answer, days_form, transfer_cells, transfers_file
from transfers.admin.filtered import FilteredFileAdmin
from transfers.admin.links import entry_row, memo_of, status_badge, transfer_link
from transfers.admin.resolving import Capture, Reverse, Void
from transfers.admin.search import find
from transfers.admin.waiting import approval_link, waiting_reversal
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.querysets import TransferStatus


class StatusFilter(admin.SimpleListFilter):
    """A filter by status, which is computed and not a column of the table."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status.value, status.value.title()) for status in TransferStatus]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        status = _member(TransferStatus, self.value())
        return queryset if status is None else queryset.in_status(status)


@admin.register(Transfer)
class TransferAdmin(ActionsAdmin, FilteredFileAdmin):
    """A read-only list of transfers. Staff can reverse them, and capture or void holds."""

    action_pages = (Reverse, Capture, Void)
    actions = ("reverse",)
    search_help_text = (
        "Search by memo, owner, amount (240.00, $240), currency, date (2026-01-31), month "
        "(2026-01), or the id of a transfer or an account. Several words narrow the search. Each "
        "may be of the memo or of the owner of either account."
    )
    find_older = "Add a date, such as 2026-01-31, or the id of an account to find older ones."
    change_list_template = "admin/transfers/transfer/change_list.html"
    change_form_template = "admin/transfers/transfer/change_form.html"
    list_display_links = ("kind_shown",)
    list_display = (
        "created_at",
        "kind_shown",
        "amount_shown",
        "status",
        "source_shown",
        "dest_shown",
        "memo_shown",
    )
    list_filter = ("kind", StatusFilter)
    csv_header = (*TRANSFERS, "status")
    csv_prefetched = ("created_by",)
    fields = (
        ("amount_shown", "kind", "status", "expires_at"),
        ("source_shown", "dest_shown", "created_at", "created_by"),
        "memo_shown",
        "metadata",
        "id",
        "hold_shown",
        "resolution_shown",
        "reverses_shown",
        "reversal_shown",
        "approval_shown",
    )
    readonly_fields = (*fields[0], *fields[1], *fields[2:])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        transfers = Transfer.objects.with_resolution().order_by("-pk")
        # Don't join the tables that only the page of one transfer needs. With more than eight
        # tables (`join_collapse_limit`), PostgreSQL doesn't search for the best order of joins,
        # and scans whole tables.
        # The holds, whose memos the voids have, take a query of their own for the same reason.
        return transfers.select_related("source", "dest").prefetch_related("hold")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        text = search_term.strip()
        if not text and not queryset.query.where:
            return queryset, False
        found = find(queryset, text, _newest_by_filters(request))
        left_out = (found.left_out, found.owners_left_out)
        return self.found(request, queryset, found.ids, *left_out), False

    def about(self, row: Transfer) -> str:
        parties = f"{row.source.owner_name} → {row.dest.owner_name}"
        told = (row.status.title(), time_shown(row.created_at), parties, memo_of(row))
        return " · ".join(filter(None, told))

    def get_urls(self) -> list[Any]:
        export = self.admin_site.admin_view(self.export)
        return [path("export.csv", export, name="transfers_transfer_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Return the transfers of a range of days as a CSV file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        back = reverse("admin:transfers_transfer_changelist")
        return answer(self, request, back, transfers_file)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        days = days_form({}, clock.now().date())
        return super().changelist_view(request, {"days": days, **(extra_context or {})})

    def csv_cells(self, row: Transfer) -> tuple[Any, ...]:
        return (*transfer_cells(row), row.status)

    def has_reverse_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "transfers.reverse_any")

    @admin.display
    def status(self, transfer: Transfer) -> str:
        return status_badge(transfer)

    @admin.display(description="transfer")
    def kind_shown(self, transfer: Transfer) -> str:
        return name_and_id(transfer.get_kind_display(), transfer.pk)

    @admin.display(description="memo")
    def memo_shown(self, transfer: Transfer) -> str:
        return memo_of(transfer)

    @admin.display(description="amount")
    def amount_shown(self, transfer: Transfer) -> str:
        return money_shown(transfer.amount, transfer.currency)

    @admin.display(description="source")
    def source_shown(self, transfer: Transfer) -> str:
        return account_link(transfer.source)

    @admin.display(description="destination")
    def dest_shown(self, transfer: Transfer) -> str:
        return account_link(transfer.dest)

    @admin.display(description="resolves the hold")
    def hold_shown(self, transfer: Transfer) -> str:
        return transfer_link(transfer.hold)

    @admin.display(description="resolved by")
    def resolution_shown(self, transfer: Transfer) -> str:
        resolution = getattr(transfer, "resolution", None)
        link = transfer_link(resolution)
        if resolution is None or resolution.kind != Kind.CAPTURE:
            return link
        # It may be less than what was held.
        return format_html("{} of {}", link, self.amount_shown(resolution))

    @admin.display(description="reverses")
    def reverses_shown(self, transfer: Transfer) -> str:
        return transfer_link(transfer.reverses)

    @admin.display(description="reversed by")
    def reversal_shown(self, transfer: Transfer) -> str:
        return transfer_link(getattr(transfer, "reversal", None))

    @admin.display(description="approval")
    def approval_shown(self, transfer: Transfer) -> str:
        approval = getattr(transfer, "approval", None)
        return DASH if approval is None else approval_link(approval)

    @admin.action(description="Reverse…", permissions=["reverse"])
    def reverse(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return ask_then_act(self, request, queryset, self.page("reverse"))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        transfer = context["original"]
        entries = transfer.entries.select_related("account").order_by("-type")
        context["rows"] = [entry_row(entry, transfer) for entry in entries]
        if self.page("reverse").is_offered(transfer):
            context["waiting"] = waiting_reversal(transfer)
        return super().render_change_form(request, context, *args, **kwargs)


def _newest_by_filters(request: HttpRequest) -> QuerySet[Transfer]:
    """Return the newest transfers of the kind and status in the filters, read from an index."""
    kind = _member(Kind, request.GET.get("kind__exact"))
    status = _member(TransferStatus, request.GET.get(StatusFilter.parameter_name))
    return Transfer.objects.newest_of_all(kind, status, None, search.NEWEST)


def _member(enum: Any, value: str | None) -> Any:
    """Return the member of an enum with this value, or None."""
    return next((member for member in enum if member == value), None)
