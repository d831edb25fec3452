"""The list of deliveries and the page of one."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin.acting import act_on_each, selected
from accounts.admin.pages import DASH, name_and_id
from events.webhooks import services
from events.webhooks.admin.actions import Retry
from events.webhooks.admin.pages import WebhookAdmin, moment, status_badge
from events.webhooks.attempts import TEST_TYPE
from events.webhooks.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(WebhookAdmin):
    """A list of deliveries with the outcome of their last attempt, which staff retry."""

    action_pages = (Retry,)
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
        *("attempted_shown", "due_shown", "response_status", "time_shown", "response_body"),
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
        return status_badge(delivery)

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
        return moment(delivery.attempted_at)

    @admin.display(description="next attempt")
    def due_shown(self, delivery: Delivery) -> str:
        return moment(delivery.due_at)

    @admin.display(description="response time")
    def time_shown(self, delivery: Delivery) -> str:
        return DASH if delivery.response_ms is None else f"{delivery.response_ms} ms"

    @admin.display(description="created")
    def created_shown(self, delivery: Delivery) -> str:
        return moment(delivery.created_at)

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
