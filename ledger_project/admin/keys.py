"""The admin of idempotency keys, where staff look up what happened to a request."""

from typing import Any

import orjson
from django.contrib import admin
from django.db.models import BooleanField, Case, ExpressionWrapper, F, Q, QuerySet, When
from django.http import HttpRequest, HttpResponse

from accounts.admin.home import home_panel
from accounts.admin.pages import HistoryAdmin, badge, time_shown
from accounts.admin.search import MOST_FOUND, id_in
from accounts.rights import may
from database.windows import keys_among
from ledger_project.admin.posted import key_of, transfers_of
from ledger_project.idempotency.keys import read_key
from ledger_project.idempotency.models import IdempotencyKey
from transfers.admin.links import transfer_row
from transfers.models import Transfer

# How many transfers of a batch the page of its key lists.
MOST_TRANSFERS = 100
# The home page shows the newest refusals among this many requests.
RECENT, REFUSALS = 1_000, 8


class OutcomeFilter(admin.SimpleListFilter):
    """A filter by whether the request was carried out."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("done", "Carried out"), ("refused", "Refused")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "refused":
            return queryset.filter(response_status__gte=400)
        return queryset.filter(response_status__lt=400) if self.value() == "done" else queryset


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(HistoryAdmin):
    """
    A read-only list of keys and their requests.

    The stored response belongs to the user who sent the request. It is never shown, apart from the
    code of an error and the ids of transfers.
    """

    change_form_template = "admin/idempotency/idempotencykey/change_form.html"
    list_display = ("time", "outcome", "key", "user", "request")
    list_display_links = ("key",)
    list_select_related = ("user",)
    list_filter = (OutcomeFilter,)
    fields = ("key", "user", "request", "outcome", "time", "response_stored", "id")
    readonly_fields = fields
    search_help_text = (
        "Search by a complete key, the id of a transfer, or part of a username or path."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdempotencyKey]:
        return with_outcome()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, "idempotency.view_idempotencykey")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        found = named(search_term.strip())
        if not found:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(pk__in=[record.pk for record in found]), False

    def search_by_text(self, request: HttpRequest, queryset: QuerySet, text: str) -> QuerySet:
        for word in text.split():
            queryset = queryset.filter(Q(user__username__icontains=word) | Q(path__icontains=word))
        return queryset

    @admin.display
    def time(self, record: IdempotencyKey) -> str:
        return time_shown(record.created_at)

    @admin.display
    def request(self, record: IdempotencyKey) -> str:
        return f"{record.method} {record.path}"

    @admin.display
    def outcome(self, record: Any) -> str:
        return outcome_shown(record)

    @admin.display(description="response stored", boolean=True)
    def response_stored(self, record: IdempotencyKey) -> bool:
        return record.has_stored_response  # type: ignore[attr-defined]  # annotated above

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        ids = transfers_of(context["original"])
        context["may_read"] = may(request.user, "accounts.read_any")
        context["count"] = len(ids)
        transfers = Transfer.objects.filter(pk__in=ids[:MOST_TRANSFERS]).order_by("pk")
        context["rows"] = [
            transfer_row(transfer)
            for transfer in transfers.select_related("source", "dest", "hold")
            if context["may_read"]
        ]
        return super().render_change_form(request, context, *args, **kwargs)


def with_outcome() -> QuerySet[IdempotencyKey]:
    """Return all keys without their stored responses, apart from those of refusals."""
    stored = ExpressionWrapper(Q(response_body__isnull=False), output_field=BooleanField())
    refusal = Case(When(response_status__gte=400, then=F("response_body")))
    keys = IdempotencyKey.objects.defer("response_body")
    return keys.annotate(has_stored_response=stored, refusal=refusal)


def outcome_shown(record: Any) -> str:
    """Return the status of a response as a badge, with the code of the error if it was refused."""
    status = record.response_status
    if status is None:
        return badge("No response", "quiet")
    if status < 400:
        return badge(str(status), "good")
    try:
        code = orjson.loads(record.refusal or "").get("code")
    except (ValueError, AttributeError):  # Somebody has edited it.
        code = None
    return badge(f"{status} {code}" if isinstance(code, str) else str(status), "bad")


def named(text: str) -> list[IdempotencyKey]:
    """Return the keys that ``text`` names: itself, by the id of its row, or of its transfer."""
    key, row_id = read_key(text), id_in(text)
    by_key = IdempotencyKey.objects.filter(key=key) if key else IdempotencyKey.objects.none()
    found = list(by_key[:MOST_FOUND])
    if row_id is None:
        return found
    found += IdempotencyKey.objects.filter(pk=row_id)
    transfer = None if found else Transfer.objects.filter(pk=row_id).first()
    of_transfer = key_of(transfer) if transfer else None
    return [of_transfer] if of_transfer else found


@home_panel(order=40, title="Newest refusals", template="admin/idempotency/refusals.html")
def newest_refusals(request: HttpRequest) -> dict[str, Any] | None:
    """Return the newest requests that were refused with a stored response."""
    if not may(request.user, "idempotency.view_idempotencykey"):
        return None
    window = IdempotencyKey.objects.order_by("-pk")[:RECENT]
    refused = IdempotencyKey.objects.filter(response_status__gte=400)
    found = keys_among(window, refused.order_by("-pk")[:REFUSALS])
    records = with_outcome().filter(pk__in=found).select_related("user").order_by("-pk")
    return {
        "rows": [(record, outcome_shown(record)) for record in records],
        "recent": f"{RECENT:,}",
    }
