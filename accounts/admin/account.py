"""The list of accounts and the page of one account, with the actions on it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import BigIntegerField, Case, F, OuterRef, Q, QuerySet, Subquery, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts import services
from accounts.admin.acting import (
    ReasonForm,
    act_on_each,
    in_words,
    reason_of,
    selected,
)
from accounts.admin.change import value_shown
from accounts.admin.overdraft import OverdraftForm
from accounts.admin.pages import LAST_ROWS, LedgerAdmin, money_shown, name_and_id
from accounts.enums import AccountKind, AccountStatus
from accounts.exceptions import AccountClosed, AccountNotFound
from accounts.models import LONGEST_REASON, Account
from accounts.names import folded
from accounts.rights import may
from api.errors import LedgerError
from database.sums import sum_in_halves, whole


class AccountAdmin(LedgerAdmin):
    """Find and view accounts, freeze, unfreeze and close them, and set their overdraft limits."""

    form = OverdraftForm
    action_form = ReasonForm
    change_form_template = "admin/accounts/account/change_form.html"
    actions = ("freeze", "unfreeze", "close")
    ordering = ("-pk",)
    list_display = (
        "account_shown",
        "owner",
        "status",
        "balance_shown",
        "held_shown",
        "available_shown",
    )
    list_filter = ("status", "currency", "kind")
    list_select_related = ("owner",)
    search_help_text = "Search by a complete account id, a username, or part of an owner name."
    readonly_fields = (
        "owner_name",
        "owner",
        "status",
        "currency",
        "kind",
        "balance_shown",
        "held_shown",
        "available_shown",
        "limit_shown",
        "created_at",
        "last_posted_at",
        "id",
        "version",
        "metadata",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        # An EXTERNAL account stores no balance. Its balance is minus the sum of the balances of
        # the customer accounts with its currency.
        others = Account.objects.customers().filter(currency=OuterRef("currency")).order_by()
        total = others.values("currency").annotate(**sum_in_halves(F("balance")))
        halves = {
            f"others_{half}": Case(
                When(kind=AccountKind.EXTERNAL, then=Subquery(total.values(half))),
                output_field=BigIntegerField(),
            )
            for half in ("high", "low")
        }
        return super().get_queryset(request).annotate(**halves)

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        rows = [
            ("balance_shown", "held_shown", "available_shown", "limit_shown"),
            ("status", "currency", "kind", "version"),
            ("owner_name", "owner", "created_at", "last_posted_at"),
            "id",
            "metadata",
        ]
        if not self.has_change_permission(request, obj):
            return [(None, {"fields": rows})]
        limit = {"fields": ("overdraft_limit", "reason")}
        return [(None, {"fields": rows}), ("Overdraft limit", limit)]

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Return whether the user may set the overdraft limit, the only field of the form."""
        changeable = obj is None or _can_change(obj)
        return (
            changeable
            and self.has_view_permission(request, obj)
            and may(request.user, "accounts.set_limit")
        )

    def has_freeze_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "accounts.freeze")

    def has_close_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "accounts.close_any")

    def search_by_text(self, request: HttpRequest, queryset: QuerySet, text: str) -> QuerySet:
        for word in text.split():
            in_name = Q(owner_name_folded__contains=folded(word))
            queryset = queryset.filter(in_name | Q(owner__username__icontains=word))
        return queryset

    def action_checkbox(self, obj: Account) -> SafeString:
        """Return the checkbox of a row; nothing for an account that no action applies to."""
        return super().action_checkbox(obj) if _can_change(obj) else SafeString()

    @admin.display(description="account", ordering="owner_name")
    def account_shown(self, account: Account) -> str:
        return name_and_id(account.owner_name, account.pk)

    @admin.display(description="balance", ordering="balance")
    def balance_shown(self, account: Any) -> str:
        balance = account.balance
        if account.kind == AccountKind.EXTERNAL:
            balance = -whole(account.others_high, account.others_low)
        return money_shown(balance, account.currency)

    @admin.display(description="held", ordering="held")
    def held_shown(self, account: Account) -> str:
        return money_shown(_unless_external(account, account.held), account.currency)

    @admin.display(description="available")
    def available_shown(self, account: Account) -> str:
        return money_shown(_unless_external(account, account.available), account.currency)

    @admin.display(description="overdraft limit")
    def limit_shown(self, account: Account) -> str:
        return money_shown(_unless_external(account, account.overdraft_limit), account.currency)

    @admin.action(description="Freeze", permissions=["freeze"])
    def freeze(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self._act(request, queryset, services.freeze, "frozen")

    @admin.action(description="Unfreeze", permissions=["freeze"])
    def unfreeze(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self._act(request, queryset, services.unfreeze, "unfrozen")

    @admin.action(description="Close…", permissions=["close"])
    def close(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Close accounts, after a page that asks staff to confirm, because this can't be undone."""
        if "confirmed" in request.POST:
            return self._act(request, queryset, services.close, "closed")
        accounts = selected(self, request, queryset)
        if not accounts:
            return None
        refusals = [(account, _why_not_closed(account)) for account in accounts]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Close account" if len(accounts) == 1 else "Close accounts",
            "closable": [account for account, why in refusals if why is None],
            "refused": [(account, why) for account, why in refusals if why is not None],
            "reason": request.POST.get("reason", ""),
        }
        return TemplateResponse(request, "admin/accounts/account/close.html", context)

    def _act(
        self, request: HttpRequest, queryset: QuerySet, service: Any, outcome: str
    ) -> HttpResponse | None:
        accounts = selected(self, request, queryset)
        reason = reason_of(self, request, LONGEST_REASON) if accounts else None

        def act(account: Account) -> None:
            service(account_id=account.pk, actor=request.user, reason=reason)

        if reason:
            act_on_each(self, request, accounts, act, outcome)
        if len(accounts) == 1:
            return redirect("admin:accounts_account_change", accounts[0].pk)
        return None

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().change_view(request, object_id, form_url, extra_context)
        except LedgerError as refusal:
            account = self.get_object(request, object_id)
            assert account is not None
            why = in_words(refusal, account)
            message = f"The overdraft limit of {account} was not changed. {why}"
            self.message_user(request, message, messages.ERROR)
            return redirect(request.path)

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Set the limit through the service. The model itself is never saved here."""
        services.set_overdraft_limit(
            account_id=obj.pk,
            actor=request.user,  # type: ignore[arg-type]  # the admin requires a login
            limit=form.cleaned_data["overdraft_limit"],
            reason=form.cleaned_data["reason"],
        )

    def log_change(self, request: HttpRequest, obj: Account, message: Any) -> Any:
        """Write no log entry: the service records the change, with the value before it."""

    def response_change(self, request: HttpRequest, obj: Account) -> HttpResponse:
        message = f"The overdraft limit of {obj} is now {self.limit_shown(obj)}."
        self.message_user(request, message, messages.SUCCESS)
        return redirect(request.path)

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
        context["can_freeze"] = _can_change(account) and self.has_freeze_permission(request)
        context["can_close"] = _can_change(account) and self.has_close_permission(request)
        changes = account.changes.select_related("account", "actor").order_by("-pk")
        context["changes"] = [
            {
                "change": change,
                "before": value_shown(change, change.before),
                "after": value_shown(change, change.after),
            }
            for change in changes[:LAST_ROWS]
        ]
        return super().render_change_form(request, context, *args, **kwargs)


def _can_change(account: Account) -> bool:
    # Staff can't change EXTERNAL accounts, and a closed account can't be changed any more.
    return account.kind == AccountKind.CUSTOMER and account.status != AccountStatus.CLOSED


def _why_not_closed(account: Account) -> str | None:
    if account.kind == AccountKind.EXTERNAL:
        return in_words(AccountNotFound(account.pk), account)
    if account.status == AccountStatus.CLOSED:
        return in_words(AccountClosed(account.pk), account)
    try:
        services.require_closable(account)
    except LedgerError as refusal:
        return in_words(refusal, account)
    return None


def _unless_external(account: Account, amount: int) -> int | None:
    return None if account.kind == AccountKind.EXTERNAL else amount


admin.site.register(Account, AccountAdmin)
