"""Base classes and formatting for the admin pages of the ledger's tables."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin import search
from accounts.admin.search import MOST_FOUND, ends_like, id_in, newest_of
from accounts.enums import AccountStatus
from accounts.models import Account
from accounts.money import money
from accounts.rights import may
from database.windows import has_more, keys_among

# How many rows of a history a page shows. It links to the rest.
LAST_ROWS = 50
# Lists stop counting here: counting millions of rows takes seconds.
MOST_COUNTED = 10_000

DASH = "\N{EN DASH}"

# The colours of badges.
ACCOUNT_TONES = {"OPEN": "good", "FROZEN": "bad", "CLOSED": "quiet"}


def money_shown(amount: int | None, currency: str) -> str:
    """Return an amount in minor units as text that doesn't wrap; a dash for None."""
    return DASH if amount is None else money(amount, currency).replace(" ", "\N{NO-BREAK SPACE}")


def available_in(account: Account) -> int:
    """
    Return what can be spent, in minor units.

    That is nothing if the account is closed, although it keeps its overdraft limit.
    """
    return 0 if account.status == AccountStatus.CLOSED else account.available


def time_shown(time: datetime) -> str:
    """Return a time as ``2026-01-31 09:05:07 UTC``, which is the format of all pages."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def account_link(account: Account) -> str:
    """Return a link to an account's page, with the owner name as its text."""
    url = reverse("admin:accounts_account_change", args=[account.pk])
    return format_html('<a href="{}">{}</a>', url, account.owner_name)


def name_and_id(name: str, row_id: UUID) -> str:
    """Return the name of a row with its id below it."""
    return format_html('{}<br> <span class="id">{}</span>', name, row_id)


def badge(text: str, tone: str) -> str:
    """
    Return a status as a coloured badge.

    :param tone: ``good``, ``wait``, ``bad``, or ``quiet`` for what needs no attention any more
    """
    return format_html('<span class="badge badge-{}">{}</span>', tone, text)


def account_badge(account: Account) -> str:
    """Return an account's status as a badge."""
    return badge(account.get_status_display(), ACCOUNT_TONES[account.status])


class MoreThan(int):
    """The count of rows at which counting stopped, shown as "more than 10,000"."""

    def __str__(self) -> str:
        return f"more than {int(self):,}"


class BoundedPaginator(Paginator):
    """A paginator that counts at most ``MOST_COUNTED`` rows."""

    object_list: QuerySet

    @cached_property
    def count(self) -> int:
        # Count primary keys only, without annotations such as the balance of EXTERNAL accounts.
        keys = self.object_list.order_by().values("pk")
        counted = keys[: MOST_COUNTED + 1].count()
        return MoreThan(MOST_COUNTED) if counted > MOST_COUNTED else counted


class StrictList(admin.ModelAdmin):
    """
    A list that accepts only the lookups of its own filters, and only valid ids in its actions.

    Other lookups and ids in a request make Django's own lists fail with a server error.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Django would accept any lookup on a column, such as a year that doesn't exist.
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
        # Django fails on a malformed id. No page of the admin sends one.
        try:
            for row_id in request.POST.getlist(helpers.ACTION_CHECKBOX_NAME):
                self.opts.pk.clean(row_id, None)
        except ValidationError as error:
            raise BadRequest("The id of a selected row is malformed.") from error
        return super().response_action(request, queryset)


class LedgerAdmin(StrictList):
    """
    A table of the ledger, whose rows staff find by a complete id.

    Staff can't add or delete rows. Permissions are the API's, and not Django's own of each table.
    """

    change_form_template = "admin/accounts/page.html"
    # The columns in which a search looks for an id.
    id_columns: tuple[str, ...] = ("pk",)
    search_fields: ClassVar[tuple[str, ...]] = ("id",)
    # Counting all rows, or the rows of each filter, is slow in a large ledger.
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        wanted = id_in(search_term)
        if wanted is None:
            return self.search_by_text(request, queryset, search_term), False
        any_column = Q()
        for column in self.id_columns:
            any_column |= Q(**{column: wanted})
        return queryset.filter(any_column), False

    def search_by_text(self, request: HttpRequest, queryset: QuerySet, text: str) -> QuerySet:
        """Return the rows that match a search text that isn't a complete id."""
        for word in text.split():
            queryset = queryset.filter(ends_like(word))
        return queryset

    def about(self, row: Any) -> str:
        """Return what tells a row from similar ones in the search of all tables."""
        return ""

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
        """Redirect to the row's page, which shows its history as the ledger records it."""
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)


class HistoryAdmin(LedgerAdmin):
    """
    A read-only table of the ledger. Mistakes are corrected by new postings, never by edits.

    It may have millions of rows. A search or filter for which there is no index therefore applies
    to the newest rows only, and the page says so.
    """

    # Newest first, by primary key. Any other order would sort millions of rows.
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...] | None] = ()
    # What else to enter in a search, to find older rows.
    find_older = "Search by a complete id to find older ones."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        is_all = not search_term.strip() and not queryset.query.where
        if is_all or id_in(search_term) is not None:
            return super().get_search_results(request, queryset, search_term)
        window = newest_of(self.model._default_manager.order_by("-pk"))
        matching = self.search_by_text(request, queryset, search_term)
        found = keys_among(window, matching.order_by("-pk")[:MOST_FOUND])
        return self.found(request, queryset, found, has_more(window)), False

    def found(
        self,
        request: HttpRequest,
        queryset: QuerySet,
        keys: list[Any],
        left_out: bool,
        owners_left_out: bool = False,
    ) -> QuerySet:
        """
        Return the rows with these keys, and say on the page if there may be others.

        :param left_out: whether older rows weren't searched
        :param owners_left_out: whether words weren't compared with the owners of all accounts
        """
        notes = []
        if left_out:
            searched = f"{search.NEWEST:,} {self.opts.verbose_name_plural}"
            notes.append(f"Only the newest {searched} were searched. {self.find_older}")
        if owners_left_out:
            notes.append(
                f"Owners were searched among the newest {search.NEWEST:,} accounts, and at most "
                f"{search.MOST_OWNED:,} of these. Search by the id of an account to find others."
            )
        if len(keys) >= MOST_FOUND:
            notes.append(f"Only the newest {MOST_FOUND:,} matches are listed.")
        if notes and request.method == "GET":
            self.message_user(request, " ".join(notes), messages.WARNING)
        # Without the filters, because the database might look for the rows by these again.
        related: Any = self.get_list_select_related(request)
        rows = self.get_queryset(request).filter(pk__in=keys)
        rows = rows.select_related(*related) if related else rows
        return rows.order_by(*queryset.query.order_by)
