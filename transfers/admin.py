"""Transfers and entries for staff: to look at, to find, and to undo by a reversal."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin import (
    DASH,
    GIVE_A_REASON,
    LAST_ROWS,
    AccountAdmin,
    HistoryAdmin,
    ReasonForm,
    account_link,
    money,
    reason_of,
)
from accounts.enums import AccountKind
from accounts.exceptions import LedgerError
from accounts.models import Account
from transfers import clock, services
from transfers.models import LedgerEntry, Transfer, TransferStatus
from transfers.posting import EntryType, Kind

MEMO_MAX = 140


def transfer_link(transfer: Transfer | None) -> str:
    """Return a link to a transfer's page; a dash for none."""
    if transfer is None:
        return DASH
    url = reverse("admin:transfers_transfer_change", args=[transfer.pk])
    link = '<a class="nowrap" href="{}">{} {}</a>'
    return format_html(link, url, transfer.get_kind_display(), transfer.pk)


class StatusFilter(admin.SimpleListFilter):
    """By the status that is derived, never stored."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status.value, status.value.title()) for status in TransferStatus]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        for status in TransferStatus:
            if status == self.value():
                return queryset.in_status(status, clock.now())
        return queryset


@admin.register(Transfer)
class TransferAdmin(HistoryAdmin):
    """A transfer, what came of it, and its two entries."""

    actions = ("reverse",)
    action_form = ReasonForm
    id_columns = ("pk", "source", "dest")
    search_help_text = "A full id, of a transfer or of an account."
    list_display = (
        "created_at",
        "kind",
        "status",
        "amount_shown",
        "source_shown",
        "dest_shown",
        "memo",
        "whole_id",
    )
    list_filter = ("kind", StatusFilter)
    fields = (
        "id",
        "kind",
        "status",
        "amount_shown",
        "source_shown",
        "dest_shown",
        "memo",
        "metadata",
        "expires_at",
        "hold_shown",
        "resolution_shown",
        "reverses_shown",
        "reversal_shown",
        "created_by",
        "created_at",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        transfers = Transfer.objects.with_resolution().order_by("-pk")
        return transfers.select_related("source", "dest", "hold", "reverses", "created_by")

    def has_reverse_permission(self, request: HttpRequest) -> bool:
        """Whether the user may act: a reversal changes accounts, as freezing one does."""
        return request.user.has_perm("accounts.change_account")

    @admin.display
    def status(self, transfer: Transfer) -> str:
        return transfer.status_at(clock.now()).title()

    @admin.display(description="amount")
    def amount_shown(self, transfer: Transfer) -> str:
        return money(transfer.amount, transfer.currency)

    @admin.display(description="source")
    def source_shown(self, transfer: Transfer) -> str:
        return account_link(transfer.source)

    @admin.display(description="dest")
    def dest_shown(self, transfer: Transfer) -> str:
        return account_link(transfer.dest)

    @admin.display(description="resolves the hold")
    def hold_shown(self, transfer: Transfer) -> str:
        return transfer_link(transfer.hold)

    @admin.display(description="resolved by")
    def resolution_shown(self, transfer: Transfer) -> str:
        return transfer_link(getattr(transfer, "resolution", None))

    @admin.display(description="reverses")
    def reverses_shown(self, transfer: Transfer) -> str:
        return transfer_link(transfer.reverses)

    @admin.display(description="reversed by")
    def reversal_shown(self, transfer: Transfer) -> str:
        return transfer_link(getattr(transfer, "reversal", None))

    @admin.action(description="Reverse", permissions=["reverse"])
    def reverse(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        reason = reason_of(request, MEMO_MAX)
        if reason is None:
            self.message_user(request, GIVE_A_REASON.format(MEMO_MAX), messages.ERROR)
        transfers = list(queryset)
        for transfer in transfers if reason else ():
            try:
                services.reverse(transfer_id=transfer.pk, actor=request.user, memo=reason)  # type: ignore[arg-type]
            except (LedgerError, PermissionDenied) as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                self.log_change(request, transfer, f"Reversed: {reason}")
                self.message_user(request, f"{transfer} is reversed.", messages.SUCCESS)
        if len(transfers) == 1:
            page = reverse("admin:transfers_transfer_change", args=[transfers[0].pk])
            return HttpResponseRedirect(page)
        return None

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        transfer = context["original"]
        entries = transfer.entries.select_related("account").order_by("-type")
        context["rows"] = [_row(entry, transfer) for entry in entries]
        kind = Kind(transfer.kind)
        context["reversible"] = (
            self.has_reverse_permission(request)
            and kind.moves_money
            and kind is not Kind.REVERSAL
            and transfer.status_at(clock.now()) is TransferStatus.POSTED
        )
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(HistoryAdmin):
    """One side of a transfer."""

    id_columns = ("pk", "account", "transfer")
    search_help_text = "A full id, of an entry, an account or a transfer."
    list_select_related = ("account", "transfer")
    list_filter = ("type",)
    list_display = (
        "ts",
        "account_shown",
        "type",
        "amount_shown",
        "balance_shown",
        "sequence",
        "memo",
        "transfer_shown",
    )
    fields = ("id", *list_display)
    readonly_fields = fields

    @admin.display(description="account")
    def account_shown(self, entry: LedgerEntry) -> str:
        return account_link(entry.account)

    @admin.display(description="amount")
    def amount_shown(self, entry: LedgerEntry) -> str:
        return money(entry.amount, entry.transfer.currency)

    @admin.display(description="balance after")
    def balance_shown(self, entry: LedgerEntry) -> str:
        return money(entry.balance, entry.transfer.currency)

    @admin.display(description="transfer")
    def transfer_shown(self, entry: LedgerEntry) -> str:
        return transfer_link(entry.transfer)

    @admin.display
    def memo(self, entry: LedgerEntry) -> str | None:
        return entry.transfer.memo


admin.site.unregister(Account)


@admin.register(Account)
class AccountWithStatementAdmin(AccountAdmin):
    """An account with its latest entries, of which accounts/ itself knows nothing."""

    change_form_template = "admin/transfers/account.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        account = context["original"]
        # An EXTERNAL account's entries have no sequence; each order has an index of its own.
        external = account.kind == AccountKind.EXTERNAL
        order = ("-ts", "-pk") if external else ("-sequence",)
        entries = LedgerEntry.objects.filter(account=account).select_related("transfer")
        latest = entries.order_by(*order)[:LAST_ROWS]
        context["rows"] = [_row(entry, entry.transfer) for entry in latest]
        return super().render_change_form(request, context, *args, **kwargs)


def _row(entry: LedgerEntry, transfer: Transfer) -> dict[str, Any]:
    amount = money(entry.amount, transfer.currency)
    return {
        "entry": entry,
        "transfer": transfer,
        "debit": amount if entry.type == EntryType.DEBIT else "",
        "credit": amount if entry.type == EntryType.CREDIT else "",
        "balance": money(entry.balance, transfer.currency),
    }
