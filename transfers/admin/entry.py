"""The list of ledger entries and the page of one entry."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.admin.pages import account_link, money_shown, time_shown
from accounts.admin.search import MOST_FOUND, id_in, newest_of
from accounts.models import Account
from api.instants import instant
from database.windows import has_more, keys_among
from transfers.admin.account import entries_of
from transfers.admin.export import number
from transfers.admin.filtered import FilteredFileAdmin
from transfers.admin.links import kind_link, memo_of
from transfers.export import harmless
from transfers.models import LedgerEntry


@admin.register(LedgerEntry)
class LedgerEntryAdmin(FilteredFileAdmin):
    """A read-only list of ledger entries."""

    search_help_text = "Search by the id of an entry, an account or a transfer."
    list_select_related = ("account", "transfer__hold")
    list_filter = ("type",)
    list_display = (
        "time",
        "account_shown",
        "transfer_shown",
        "memo",
        "type",
        "amount_shown",
        "balance_shown",
        "sequence",
    )
    fields = ("id", *list_display)
    readonly_fields = fields
    csv_header = (
        *("sequence", "ts", "account_id", "account_name", "kind", "type", "amount", "balance"),
        *("currency", "memo", "transfer_id", "id"),
    )

    def csv_cells(self, row: LedgerEntry) -> tuple[Any, ...]:
        transfer = row.transfer
        return (
            row.sequence,
            instant(row.ts),
            row.account_id,
            harmless(row.account.owner_name),
            transfer.kind,
            row.type,
            number(row.amount, transfer.currency),
            number(row.balance, transfer.currency),
            transfer.currency,
            harmless(memo_of(transfer)) or None,
            transfer.pk,
            row.pk,
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        wanted = id_in(search_term)
        if wanted is None:
            return super().get_search_results(request, queryset, search_term)
        account = Account.objects.filter(pk=wanted).first()
        if account is None:
            return queryset.filter(Q(pk=wanted) | Q(transfer=wanted)), False
        # Read in the order of an index, however many entries the account has.
        window = newest_of(entries_of(account).select_related(None))
        found = keys_among(window, queryset.order_by("-pk")[:MOST_FOUND])
        return self.found(request, queryset, found, has_more(window)), False

    @admin.display
    def time(self, entry: LedgerEntry) -> str:
        return time_shown(entry.ts)

    @admin.display(description="account")
    def account_shown(self, entry: LedgerEntry) -> str:
        return account_link(entry.account)

    @admin.display(description="transfer")
    def transfer_shown(self, entry: LedgerEntry) -> str:
        return kind_link(entry.transfer)

    @admin.display
    def memo(self, entry: LedgerEntry) -> str:
        return memo_of(entry.transfer)

    @admin.display(description="amount")
    def amount_shown(self, entry: LedgerEntry) -> str:
        return money_shown(entry.amount, entry.transfer.currency)

    @admin.display(description="balance after")
    def balance_shown(self, entry: LedgerEntry) -> str:
        return money_shown(entry.balance, entry.transfer.currency)
