"""The list of ledger entries and the page of one entry."""

from django.contrib import admin

from accounts.admin.pages import HistoryAdmin, account_link, money_shown, time_shown
from transfers.admin.links import kind_link, memo_of
from transfers.models import LedgerEntry


@admin.register(LedgerEntry)
class LedgerEntryAdmin(HistoryAdmin):
    """A read-only list of ledger entries."""

    id_columns = ("pk", "account", "transfer")
    search_help_text = "Search by the complete id of an entry, an account or a transfer."
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
