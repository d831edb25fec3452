"""The admin of webhooks: see why a receiver gets nothing, enable it again, and retry deliveries."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from accounts.admin.acting import act_on_each, selected
from accounts.admin.pages import DASH, HistoryAdmin, badge, name_and_id, time_shown
from accounts.rights import may
from events.webhooks import services
from events.webhooks.attempts import TEST_TYPE
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.services import manages_all
from events.webhooks.statuses import DeliveryStatus, EndpointStatus

# The colours of statuses.
TONES: dict[str, str] = {
    EndpointStatus.ENABLED: "good",
    EndpointStatus.DISABLED: "bad",
    DeliveryStatus.PENDING: "wait",
    DeliveryStatus.DELIVERED: "good",
    DeliveryStatus.FAILED: "bad",
}


class WebhookAdmin(HistoryAdmin):
    """A read-only table, with an action for those who may manage the webhooks of other users."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, "webhooks.read_any")

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return manages_all(request.user)


@admin.register(Endpoint)
class EndpointAdmin(WebhookAdmin):
    """A list of webhooks, which staff enable again. Their secrets are never shown."""

    actions = ("enable",)
    list_display = ("webhook", "owner", "status_shown", "failing_shown", "disabled_reason")
    list_select_related = ("owner",)
    list_filter = ("status",)
    search_help_text = "Search by a complete id, a username, or part of a URL or description."
    fields = (
        *("url", "id", "owner", "description", "events_shown", "accounts_shown", "status_shown"),
        *("disabled_reason", "failing_shown", "created_shown", "deliveries_shown"),
    )
    readonly_fields = fields

    def search_by_text(self, request: HttpRequest, queryset: QuerySet, text: str) -> QuerySet:
        for word in text.split():
            about = Q(url__icontains=word) | Q(description__icontains=word)
            queryset = queryset.filter(about | Q(owner__username__icontains=word))
        return queryset

    @admin.display(description="webhook")
    def webhook(self, endpoint: Endpoint) -> str:
        return name_and_id(endpoint.url, endpoint.pk)

    @admin.display(description="status")
    def status_shown(self, endpoint: Endpoint) -> str:
        return _badge(endpoint)

    @admin.display(description="events")
    def events_shown(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.events) or "All"

    @admin.display(description="accounts")
    def accounts_shown(self, endpoint: Endpoint) -> str:
        page = "admin:accounts_account_change"
        links = [(reverse(page, args=[each]), each) for each in endpoint.account_ids]
        return format_html_join(", ", '<a href="{}">{}</a>', links) or "All that its owner may see"

    @admin.display(description="deliveries")
    def deliveries_shown(self, endpoint: Endpoint) -> str:
        url = reverse("admin:webhooks_delivery_changelist")
        return format_html('<a href="{}?q={}">Newest deliveries</a>', url, endpoint.pk)

    @admin.display(description="failing since")
    def failing_shown(self, endpoint: Endpoint) -> str:
        return _shown(endpoint.failing_since)

    @admin.display(description="created")
    def created_shown(self, endpoint: Endpoint) -> str:
        return _shown(endpoint.created_at)

    @admin.action(description="Enable", permissions=["manage"])
    def enable(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Enable webhooks. What happened while they were disabled is delivered now."""

        def act(endpoint: Endpoint) -> None:
            services.enable(webhook_id=endpoint.pk, actor=request.user)  # type: ignore[arg-type]  # the admin requires a login

        act_on_each(self, request, selected(self, request, queryset), act, "enabled")


@admin.register(Delivery)
class DeliveryAdmin(WebhookAdmin):
    """A list of deliveries with the outcome of their last attempt, which staff retry."""

    actions = ("retry",)
    id_columns = ("pk", "endpoint_id", "event__uuid")
    list_display = (
        *("delivery", "event_type", "status_shown", "attempts", "attempted_shown", "outcome"),
    )
    list_select_related = ("endpoint", "event")
    list_filter = ("status",)
    search_help_text = "Search by the complete id of a delivery, a webhook or an event."
    fields = (
        *("id", "webhook_shown", "event_type", "event_id_shown", "status_shown", "attempts"),
        *("attempted_shown", "due_shown", "response_status", "response_ms", "response_body"),
        *("error", "created_shown"),
    )
    readonly_fields = fields

    @admin.display(description="delivery")
    def delivery(self, delivery: Delivery) -> str:
        return name_and_id(delivery.endpoint.url, delivery.pk)

    @admin.display(description="webhook")
    def webhook_shown(self, delivery: Delivery) -> str:
        url = reverse("admin:webhooks_endpoint_change", args=[delivery.endpoint_id])
        return format_html('<a href="{}">{}</a>', url, delivery.endpoint.url)

    @admin.display(description="status")
    def status_shown(self, delivery: Delivery) -> str:
        return _badge(delivery)

    @admin.display(description="event")
    def event_type(self, delivery: Delivery) -> str:
        return TEST_TYPE if delivery.event is None else delivery.event.type

    @admin.display(description="event id")
    def event_id_shown(self, delivery: Delivery) -> str:
        if delivery.event is None:
            return DASH
        url = reverse("admin:events_event_change", args=[delivery.event.pk])
        return format_html('<a href="{}">{}</a>', url, delivery.event.uuid)

    @admin.display(description="outcome")
    def outcome(self, delivery: Delivery) -> str:
        return str(delivery.response_status or delivery.error or DASH)

    @admin.display(description="last attempt")
    def attempted_shown(self, delivery: Delivery) -> str:
        return _shown(delivery.attempted_at)

    @admin.display(description="next attempt")
    def due_shown(self, delivery: Delivery) -> str:
        return _shown(delivery.due_at)

    @admin.display(description="created")
    def created_shown(self, delivery: Delivery) -> str:
        return _shown(delivery.created_at)

    @admin.action(description="Retry", permissions=["manage"])
    def retry(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Attempt deliveries again as soon as possible, even if they succeeded."""

        def act(delivery: Delivery) -> None:
            services.retry(
                webhook_id=delivery.endpoint_id,
                delivery_id=delivery.pk,
                actor=request.user,  # type: ignore[arg-type]  # the admin requires a login
            )

        rows = selected(self, request, queryset)
        act_on_each(self, request, rows, act, "scheduled for another attempt")


def _badge(row: Endpoint | Delivery) -> str:
    return badge(row.get_status_display(), TONES[row.status])


def _shown(time: datetime | None) -> str:
    return DASH if time is None else time_shown(time)
