"""The list of account changes: who changed an account, when and why."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.admin.pages import LAST_ROWS, HistoryAdmin, account_link, money_shown, time_shown
from accounts.admin.search import MOST_FOUND, Owned, id_in, newest_of, owned_by
from accounts.models import Account, AccountChange
from database.windows import has_more, keys_among


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
    search_help_text = (
        "Search by owner, reason, username of the staff user, or account id. Several words narrow "
        "the search."
    )
    find_older = "Search by the complete id of an account to find older ones."
    fields = list_display
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccountChange]:
        # By id in queries of their own, because a join might read all accounts.
        return super().get_queryset(request).prefetch_related("account", "actor")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        words = search_term.split()
        if not words or id_in(search_term) is not None:
            return super().get_search_results(request, queryset, search_term)
        owned = owned_by(words)
        for word in words:
            queryset = queryset.filter(_of_word(word, owned))
        window = newest_of(AccountChange.objects.order_by("-pk"))
        keys = keys_among(window, queryset.order_by("-pk")[:MOST_FOUND])
        return self.found(request, queryset, keys, has_more(window), owned.left_out), False

    def about(self, row: AccountChange) -> str:
        return " · ".join(filter(None, (row.account.owner_name, row.reason, f"by {row.actor}")))

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


def _of_word(word: str, owned: Owned) -> Q:
    """Return the filter for a word in the owner, the reason or the username of the staff user."""
    # A list of ids, because a join might read all accounts.
    of_owner = Q(account__in=owned.by_word[word])
    return of_owner | Q(reason__icontains=word) | Q(actor__username__icontains=word)
