"""What the pages of webhooks and of deliveries have in common."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accounts.admin.action_page import ActionsAdmin
from accounts.admin.pages import DASH, HistoryAdmin, badge, time_shown
from accounts.rights import may
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


class WebhookAdmin(ActionsAdmin, HistoryAdmin):
    """A read-only table, with actions for those who may manage the webhooks of other users."""

    change_form_template = "admin/accounts/acting.html"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, "webhooks.read_any")

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return manages_all(request.user)


def status_badge(row: Endpoint | Delivery) -> str:
    """Return a status as a badge."""
    return badge(row.get_status_display(), TONES[row.status])


def moment(time: datetime | None) -> str:
    """Return a time; a dash for None."""
    return DASH if time is None else time_shown(time)
