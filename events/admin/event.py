"""The list of events and the page of one event."""

import json
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.admin.pages import DASH, HistoryAdmin, account_link, name_and_id, time_shown
from accounts.admin.search import MOST_FOUND, id_in, newest_of
from accounts.models import Account
from database.windows import has_more, keys_among
from events.bodies import body_of
from events.models import Event
from transfers.admin.links import kind_link, transfer_link
from transfers.models import Transfer


@admin.register(Event)
class EventAdmin(HistoryAdmin):
    """A read-only list of events."""

    search_help_text = "Search by the id of an account, a transfer or an event."
    list_filter = ("type",)
    # In the order of the indexes, also of the one by type. This is the order of the log.
    ordering = ("-transaction", "-number")
    list_display = ("time", "event_shown", "account_shown", "other_account_shown", "of_transfer")
    fields = (
        "uuid",
        "type",
        "time",
        "account_shown",
        "other_account_shown",
        "transfer_shown",
        "data_shown",
    )
    readonly_fields = fields
    list_display_links = ("event_shown",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return Event.objects.with_data().select_related("other_account")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        if not search_term.strip():
            return queryset, False  # An index finds all events of a type.
        wanted = id_in(search_term)
        if wanted is None:
            return super().get_search_results(request, queryset, search_term)
        about = Q(account=wanted) | Q(other_account=wanted) | Q(transfer=wanted) | Q(uuid=wanted)
        matching = queryset.filter(about).order_by("-pk")[:MOST_FOUND]
        windows = _windows(wanted)
        found = sorted({key for each in windows for key in keys_among(each, matching)})
        left_out = any(has_more(window) for window in windows)
        return self.found(request, queryset, found[-MOST_FOUND:], left_out), False

    @admin.display
    def time(self, event: Event) -> str:
        return time_shown(event.created_at)

    @admin.display(description="event")
    def event_shown(self, event: Event) -> str:
        return name_and_id(event.type, event.uuid)

    @admin.display(description="account")
    def account_shown(self, event: Event) -> str:
        return account_link(event.account)

    @admin.display(description="other account")
    def other_account_shown(self, event: Event) -> str:
        return DASH if event.other_account is None else account_link(event.other_account)

    @admin.display(description="transfer")
    def of_transfer(self, event: Event) -> str:
        return DASH if event.transfer is None else kind_link(event.transfer)

    @admin.display(description="transfer")
    def transfer_shown(self, event: Event) -> str:
        return transfer_link(event.transfer)

    @admin.display(description="data")
    def data_shown(self, event: Event) -> str:
        data = json.dumps(body_of(event)["data"], indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", data)


def _windows(wanted: UUID) -> list[QuerySet[Event]]:
    """Return the newest events of the account or the transfer with an id, or of all accounts."""
    parties = Transfer.objects.filter(pk=wanted).values_list("source", "dest").first()
    accounts = Account.objects.customers().filter(pk__in=parties or (wanted,))
    windows = []
    for account in accounts:
        for column in ("account", "other_account"):
            # A range of one value instead of an equality: see `querysets.newest_of_all`.
            of_account = {f"{column}__gte": account.pk, f"{column}__lte": account.pk}
            newest = Event.objects.filter(**of_account).order_by(
                f"-{column}", "-transaction", "-number"
            )
            windows.append(newest_of(newest))
    return windows or [newest_of(Event.objects.order_by("-pk"))]
