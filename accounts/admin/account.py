"""The list of accounts and the page of one account."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.admin.action_page import ActionPage, ActionsAdmin
from accounts.admin.actions import FROZEN_MEANS, Close, Freeze, SetLimit, Unfreeze, can_change
from accounts.admin.bulk import ask_then_act
from accounts.admin.change import change_rows
from accounts.admin.filters import CurrencyFilter, OwnerFilter
from accounts.admin.pages import (
    ACCOUNT_TONES,
    HistoryAdmin,
    account_badge,
    available_in,
    money_shown,
    name_and_id,
)
from accounts.admin.search import (
    MOST_FOUND,
    accounts_of,
    find_accounts,
    id_in,
    newest_accounts,
    of_owner_like,
)
from accounts.enums import AccountKind, AccountStatus
from accounts.models import Account, AccountChange
from accounts.rights import may
from database.windows import has_more, keys_among

# The change that has led to a status, which the page explains.
WHY = {
    AccountStatus.FROZEN: AccountChange.Action.FREEZE,
    AccountStatus.CLOSED: AccountChange.Action.CLOSE,
}


class AccountList(ChangeList):
    """The list of accounts. In a large ledger, only the newest accounts are sorted by a column."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet:
        accounts = super().get_queryset(request, exclude_parameters)
        if ORDER_VAR not in self.params or accounts.query.where:
            return accounts
        first = keys_among(newest_accounts(), accounts.select_related(None)[:MOST_FOUND])
        return accounts.filter(pk__in=first)


class AccountAdmin(ActionsAdmin, HistoryAdmin):
    """Find and view accounts, and act on them. Each action has a page with a preview."""

    action_pages: ClassVar[tuple[type[ActionPage], ...]] = (Freeze, Unfreeze, SetLimit, Close)
    change_form_template = "admin/accounts/account/change_form.html"
    actions = ("freeze", "unfreeze", "close")
    sortable_by = None
    find_older = "Search by an owner's complete name or username, or by id, to find older ones."
    list_display = (
        "account_shown",
        "status_shown",
        "balance_shown",
        "held_shown",
        "available_shown",
        "owner",
    )
    list_filter = ("status", CurrencyFilter, "kind", OwnerFilter)
    list_select_related = ("owner",)
    search_help_text = "Search by part of an owner's name or username, by currency, or by id."

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        # The page has a template of its own, without Django's fields.
        return []

    def has_freeze_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "accounts.freeze")

    def has_close_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "accounts.close_any")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AccountList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        words = search_term.split()
        is_all = not words and not queryset.query.where
        if is_all or id_in(search_term) is not None:
            return super().get_search_results(request, queryset, search_term)
        if request.GET.get("kind__exact") == AccountKind.EXTERNAL:
            return queryset.filter(of_owner_like(words)), False  # An index has only these.
        if owner := request.GET.get(OwnerFilter.parameter_name):
            matching = queryset.filter(of_owner_like(words)).order_by("-pk")
            keys = keys_among(accounts_of(owner), matching[:MOST_FOUND])
            return self.found(request, queryset, keys, left_out=False), False
        found = find_accounts(queryset, words, MOST_FOUND)
        return self.found(request, queryset, found, has_more(newest_accounts())), False

    def about(self, row: Account) -> str:
        return f"{row.get_status_display()} · {self.balance_shown(row)}"

    def action_checkbox(self, obj: Account) -> SafeString:
        """Return the checkbox of a row; nothing for an account that no action applies to."""
        return super().action_checkbox(obj) if can_change(obj) else SafeString()

    @admin.display(description="account", ordering="owner_name")
    def account_shown(self, account: Account) -> str:
        return name_and_id(account.owner_name, account.pk)

    @admin.display(description="status", ordering="status")
    def status_shown(self, account: Account) -> str:
        return account_badge(account)

    @admin.display(description="balance", ordering="balance")
    def balance_shown(self, account: Account) -> str:
        return money_shown(_unless_external(account, account.balance), account.currency)

    @admin.display(description="held", ordering="held")
    def held_shown(self, account: Account) -> str:
        return money_shown(_unless_external(account, account.held), account.currency)

    @admin.display(description="available")
    def available_shown(self, account: Account) -> str:
        return money_shown(_unless_external(account, available_in(account)), account.currency)

    @admin.display(description="overdraft limit")
    def limit_shown(self, account: Account) -> str:
        return money_shown(_unless_external(account, account.overdraft_limit), account.currency)

    @admin.action(description="Freeze…", permissions=["freeze"])
    def freeze(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return ask_then_act(self, request, queryset, self.page("freeze"))

    @admin.action(description="Unfreeze…", permissions=["freeze"])
    def unfreeze(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return ask_then_act(self, request, queryset, self.page("unfreeze"))

    @admin.action(description="Close…", permissions=["close"])
    def close(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return ask_then_act(self, request, queryset, self.page("close"))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the changes of the account, which take the place of Django's history."""
        changes = reverse("admin:accounts_accountchange_changelist")
        return redirect(f"{changes}?{urlencode({'q': object_id})}")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        account = context["original"]
        context["figures"] = self.figures(account)
        context["changes"] = change_rows(account)
        context["why"] = self.why(account)
        context["tone"] = ACCOUNT_TONES[account.status]
        context["frozen_means"] = FROZEN_MEANS
        return super().render_change_form(request, context, *args, **kwargs)

    def figures(self, account: Account) -> list[dict[str, str]]:
        """Return the figures at the top of the page. An EXTERNAL account stores none."""
        if account.kind == AccountKind.EXTERNAL:
            return []
        holds = "#holds" if account.held else ""
        return [
            {"name": "balance", "label": "Balance", "value": self.balance_shown(account)},
            {"name": "held", "label": "Held", "value": self.held_shown(account), "url": holds},
            {"name": "available", "label": "Available", "value": self.available_shown(account)},
            {"name": "limit", "label": "Overdraft limit", "value": self.limit_shown(account)},
        ]

    def why(self, account: Account) -> AccountChange | None:
        """Return the change by which the account was frozen or closed, if it is."""
        action = WHY.get(AccountStatus(account.status))
        if action is None:
            return None
        changes = account.changes.select_related("actor").filter(action=action)
        return changes.order_by("-pk").first()


def _unless_external(account: Account, amount: int) -> int | None:
    return None if account.kind == AccountKind.EXTERNAL else amount


admin.site.register(Account, AccountAdmin)
