"""The list of events and the page of one event."""

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.admin.pages import DASH, HistoryAdmin, account_link, name_and_id, time_shown
from events.bodies import body_of
from events.models import Event
from transfers.admin.links import kind_link, transfer_link


@admin.register(Event)
class EventAdmin(HistoryAdmin):
    """A read-only list of events."""

    id_columns = ("account", "other_account")
    search_help_text = "Search by the complete id of an account."
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
