"""Accounts for staff: find one, look at it, and act on it through the services, with a reason."""

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField, Case, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from accounts import services
from accounts.enums import MONEY_MAX, AccountKind
from accounts.exceptions import LedgerError
from accounts.models import Account, AccountChange

# What a page shows of a history; the whole of it is a link away.
LAST_ROWS = 50


DASH = "\N{EN DASH}"


def money(amount: int | None, currency: str) -> str:
    """Return an amount in minor units as people read it, on one line; a dash for none."""
    return DASH if amount is None else f"{amount:,}\N{NO-BREAK SPACE}{currency}"


def account_link(account: Account) -> str:
    """Return a link to an account's page, which shows whose it is."""
    url = reverse("admin:accounts_account_change", args=[account.pk])
    return format_html('<a href="{}">{}</a>', url, account.owner_name)


class LedgerAdmin(admin.ModelAdmin):
    """What staff see of the ledger: rows that are made elsewhere, found by a full id."""

    # The columns that an id is looked for in.
    id_columns: tuple[str, ...] = ("pk",)
    search_fields: ClassVar[tuple[str, ...]] = ("id",)
    # Counting every row, or the rows behind every filter, is slow in a large ledger.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    @admin.display(description="id")
    def whole_id(self, row: Any) -> str:
        """Return the id on one line, to be copied."""
        return format_html('<span class="nowrap">{}</span>', row.pk)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return self.search_by_text(request, queryset, search_term), False
        any_column = Q()
        for column in self.id_columns:
            any_column |= Q(**{column: wanted})
        return queryset.filter(any_column), False

    def search_by_text(self, request: HttpRequest, queryset: QuerySet, text: str) -> QuerySet:
        """Return the rows that a text other than an id stands for."""
        return queryset.none() if text.strip() else queryset

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class HistoryAdmin(LedgerAdmin):
    """Staff may look. History is corrected by posting, never by editing."""

    # Newest first by primary key: no other order is worth sorting millions of rows for.
    ordering = ("-pk",)
    sortable_by = ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReasonForm(helpers.ActionForm):
    """Which action to take on the selected rows, and why."""

    # Not checked here, because Django would answer "No action selected"; the action insists.
    reason = forms.CharField(label="Reason:", required=False)


class OverdraftForm(forms.ModelForm):
    """The one number on an account that staff set, and why."""

    overdraft_limit = forms.IntegerField(
        min_value=0,
        max_value=MONEY_MAX,
        help_text="How far below zero the account may go, in minor units.",
    )
    reason = forms.CharField(max_length=200, widget=AdminTextInputWidget)

    class Meta:
        model = Account
        fields = ("overdraft_limit",)

    def validate_constraints(self) -> None:
        """Leave it to the service, which looks at the balance under the account's lock."""


class AccountAdmin(LedgerAdmin):
    """An account's figures, its changes, and what staff may do to it. Amounts in minor units."""

    form = OverdraftForm
    action_form = ReasonForm
    actions = ("freeze", "unfreeze", "close")
    ordering = ("-pk",)
    list_display = (
        "owner_name",
        "owner",
        "currency",
        "status",
        "balance_shown",
        "held_shown",
        "available_shown",
        "whole_id",
    )
    list_filter = ("status", "currency", "kind")
    list_select_related = ("owner",)
    search_fields = ("owner__username", "owner_name")
    search_help_text = "A full account id, an owner's user name, or part of an owner name."
    readonly_fields = (
        "id",
        "owner",
        "owner_name",
        "currency",
        "kind",
        "status",
        "balance_shown",
        "held_shown",
        "available_shown",
        "version",
        "last_posted_at",
        "metadata",
        "created_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        others = Account.objects.customers().filter(currency=OuterRef("currency"))
        total = others.order_by().values("currency").annotate(total=Sum("balance")).values("total")
        # An EXTERNAL account keeps no balance: it is minus the sum of the others of its currency.
        computed = Case(
            When(kind=AccountKind.EXTERNAL, then=0 - Coalesce(Subquery(total), 0)),
            default="balance",
            output_field=BigIntegerField(),
        )
        return super().get_queryset(request).annotate(balance_now=computed)

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        limit = ["overdraft_limit"]
        if self.has_change_permission(request, obj):
            limit += ["reason"]
        return [(None, {"fields": self.readonly_fields}), ("Overdraft", {"fields": limit})]

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        # Nothing about the outside world is for staff to change.
        external = obj is not None and obj.kind == AccountKind.EXTERNAL
        return super().has_change_permission(request, obj) and not external

    def search_by_text(self, request: HttpRequest, queryset: QuerySet, text: str) -> QuerySet:
        return admin.ModelAdmin.get_search_results(self, request, queryset, text)[0]

    @admin.display(description="balance", ordering="balance")
    def balance_shown(self, account: Any) -> str:
        return money(account.balance_now, account.currency)

    @admin.display(description="held", ordering="held")
    def held_shown(self, account: Account) -> str:
        return money(_unless_external(account, account.held), account.currency)

    @admin.display(description="available")
    def available_shown(self, account: Account) -> str:
        return money(_unless_external(account, account.available), account.currency)

    @admin.action(description="Freeze", permissions=["change"])
    def freeze(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self._act(request, queryset, services.freeze, "frozen")

    @admin.action(description="Unfreeze", permissions=["change"])
    def unfreeze(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self._act(request, queryset, services.unfreeze, "open")

    @admin.action(description="Close for good", permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self._act(request, queryset, services.close, "closed")

    def _act(
        self, request: HttpRequest, queryset: QuerySet, service: Any, outcome: str
    ) -> HttpResponse | None:
        reason = reason_of(request, 200)
        if reason is None:
            self.message_user(request, GIVE_A_REASON.format(200), messages.ERROR)
        accounts = list(queryset)
        for account in accounts if reason else ():
            try:
                service(account_id=account.pk, actor=request.user, reason=reason)
            except (LedgerError, PermissionDenied) as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                self.log_change(request, account, f"{outcome.title()}: {reason}")
                self.message_user(request, f"{account} is {outcome}.", messages.SUCCESS)
        if len(accounts) == 1:
            return HttpResponseRedirect(
                reverse("admin:accounts_account_change", args=[accounts[0].pk])
            )
        return None

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"show_save_and_continue": False, **(extra_context or {})}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except LedgerError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Set the limit by the service; the model itself is never saved."""
        services.set_overdraft_limit(
            account_id=obj.pk,
            actor=request.user,  # type: ignore[arg-type]  # the admin lets nobody else in
            limit=form.cleaned_data["overdraft_limit"],
            reason=form.cleaned_data["reason"],
        )

    def response_post_save_change(self, request: HttpRequest, obj: Account) -> HttpResponseRedirect:
        return HttpResponseRedirect(request.path)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        changes = context["original"].changes.select_related("actor").order_by("-pk")
        context["changes"] = changes[:LAST_ROWS]
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(AccountChange)
class AccountChangeAdmin(HistoryAdmin):
    """Who changed an account's status, limit or name, when and why."""

    id_columns = ("account",)
    list_display = ("at", "account_shown", "action", "before", "after", "reason", "actor")
    list_filter = ("action",)
    list_select_related = ("account", "actor")
    search_help_text = "A full account id."
    fields = ("at", "account_shown", "action", "before", "after", "reason", "actor")
    readonly_fields = fields

    @admin.display(description="account")
    def account_shown(self, change: AccountChange) -> str:
        return account_link(change.account)


GIVE_A_REASON = "Give a reason, in at most {} characters. Nothing was changed."


def reason_of(request: HttpRequest, longest: int) -> str | None:
    """Return why staff act; None if they don't say so, or say too much to be recorded."""
    reason = request.POST.get("reason", "").strip()
    return reason if 0 < len(reason) <= longest else None


def _unless_external(account: Account, amount: int) -> int | None:
    return None if account.kind == AccountKind.EXTERNAL else amount


admin.site.register(Account, AccountAdmin)
