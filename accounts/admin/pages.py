"""What the pages of every table of the ledger have in common."""

from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import helpers
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import Account
from accounts.money import money
from accounts.rights import may

# What a page shows of a history; the whole of it is a link away.
LAST_ROWS = 50
# To count more rows takes longer than a page may, and nobody leafs through them.
MOST_COUNTED = 10_000

DASH = "\N{EN DASH}"


def money_shown(amount: int | None, currency: str) -> str:
    """Return an amount in minor units as people read it, on one line; a dash for none."""
    return DASH if amount is None else money(amount, currency).replace(" ", "\N{NO-BREAK SPACE}")


def account_link(account: Account) -> str:
    """Return a link to an account's page, which shows whose it is."""
    url = reverse("admin:accounts_account_change", args=[account.pk])
    return format_html('<a href="{}">{}</a>', url, account.owner_name)


def name_and_id(name: str, row_id: UUID) -> str:
    """Return what a row is called, and below it the id by which it is known for sure."""
    return format_html('{}<br> <span class="id">{}</span>', name, row_id)


class MoreThan(int):
    """A count that was given up, and says so."""

    def __str__(self) -> str:
        return f"more than {int(self):,}"


class BoundedPaginator(Paginator):
    """Pages of a list whose rows are counted only so far: counting millions takes seconds."""

    object_list: QuerySet

    @cached_property
    def count(self) -> int:
        # Without what a list computes beside its rows, such as the balance of the outside world.
        keys = self.object_list.order_by().values("pk")
        counted = keys[: MOST_COUNTED + 1].count()
        return MoreThan(MOST_COUNTED) if counted > MOST_COUNTED else counted


class StrictList(admin.ModelAdmin):
    """
    A list that is narrowed by its own filters alone, and whose actions take only ids of rows.

    Django's own admin fails on lookups and ids that somebody makes up.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Django would allow any of a column's, such as a year that no calendar has.
        for each in self.list_filter:
            name = getattr(each, "parameter_name", each)
            related = isinstance(each, str) and self.opts.get_field(each).is_relation
            exact = f"{name}__id__exact" if related else f"{name}__exact"
            if lookup in (exact, f"{name}__isnull") or (lookup == name and not related):
                return True
        return False

    def response_action(  # type: ignore[override]  # the stubs know Django 6 already
        self, request: HttpRequest, queryset: QuerySet
    ) -> HttpResponse | None:
        # Django would fail on an id that can't be one, which no page of the admin sends.
        try:
            for row_id in request.POST.getlist(helpers.ACTION_CHECKBOX_NAME):
                self.opts.pk.clean(row_id, None)
        except ValidationError as error:
            raise BadRequest("The id of a selected row can't be one.") from error
        return super().response_action(request, queryset)


class LedgerAdmin(StrictList):
    """
    What staff see of the ledger: rows that are made elsewhere, found by a full id.

    The permissions are those of the API, and not Django's own of each table.
    """

    change_form_template = "admin/accounts/page.html"
    # The columns that an id is looked for in.
    id_columns: tuple[str, ...] = ("pk",)
    search_fields: ClassVar[tuple[str, ...]] = ("id",)
    # Counting every row, or the rows behind every filter, is slow in a large ledger.
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

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

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, "accounts.read_any")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the page itself, which tells what became of the row: the ledger records that."""
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)


class HistoryAdmin(LedgerAdmin):
    """Staff may look. History is corrected by posting, never by editing."""

    # Newest first by primary key: no other order is worth sorting millions of rows for.
    ordering = ("-pk",)
    sortable_by = ()
