"""The list of account changes: who changed an account, when and why."""

from typing import Any

from django.contrib import admin

from accounts.admin.pages import LAST_ROWS, HistoryAdmin, account_link, money_shown, time_shown
from accounts.models import Account, AccountChange


def value_shown(change: AccountChange, value: str) -> str:
    """Return a value before or after the change as staff read it."""
    if change.action == AccountChange.Action.SET_OVERDRAFT_LIMIT:
        return money_shown(int(value), change.account.currency)
    if change.action == AccountChange.Action.RENAME:
        return value
    return value.capitalize()


def change_rows(account: Account) -> list[dict[str, Any]]:
    """Return the newest changes of an account, with the values before and after."""
    changes = account.changes.select_related("account", "actor").order_by("-pk")
    return [
        {
            "change": change,
            "before": value_shown(change, change.before),
            "after": value_shown(change, change.after),
        }
        for change in changes[:LAST_ROWS]
    ]


@admin.register(AccountChange)
class AccountChangeAdmin(HistoryAdmin):
    """A read-only list of the changes to accounts' statuses, limits and names."""

    id_columns = ("account",)
    list_display = (
        "time",
        "account_shown",
        "action",
        "before_shown",
        "after_shown",
        "reason",
        "changed_by",
    )
    list_filter = ("action",)
    list_select_related = ("account", "actor")
    search_help_text = "Search by a complete account id."
    fields = list_display
    readonly_fields = fields

    @admin.display
    def time(self, change: AccountChange) -> str:
        return time_shown(change.at)

    @admin.display
    def changed_by(self, change: AccountChange) -> str:
        return change.actor.get_username()

    @admin.display(description="account")
    def account_shown(self, change: AccountChange) -> str:
        return account_link(change.account)

    @admin.display(description="before")
    def before_shown(self, change: AccountChange) -> str:
        return value_shown(change, change.before)

    @admin.display(description="after")
    def after_shown(self, change: AccountChange) -> str:
        return value_shown(change, change.after)
