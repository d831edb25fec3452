"""The webhooks of the demo data, which are those of the examples in the OpenAPI document."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User

from events.webhooks.examples import (
    DELIVERY_ID,
    DISABLED_WEBHOOK,
    DISABLED_WEBHOOK_ID,
    SECRET,
    UNUSED_WEBHOOK_ID,
    WEBHOOK,
    WEBHOOK_ID,
)
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.secrets import encrypted
from events.webhooks.statuses import DeliveryStatus, EndpointStatus


def create_demo_webhooks(owner: User, at: datetime) -> None:
    """Create an enabled webhook with a delivery, and two disabled ones, for no real receiver."""
    for webhook_id, disabled_reason in (
        (WEBHOOK_ID, ""),
        (DISABLED_WEBHOOK_ID, DISABLED_WEBHOOK["disabled_reason"]),
        (UNUSED_WEBHOOK_ID, DISABLED_WEBHOOK["disabled_reason"]),
    ):
        Endpoint.objects.create(
            pk=UUID(webhook_id),
            owner=owner,
            **{name: WEBHOOK[name] for name in ("url", "description", "events", "account_ids")},
            secret=encrypted(SECRET),
            status=EndpointStatus.DISABLED if disabled_reason else EndpointStatus.ENABLED,
            disabled_reason=disabled_reason,
            created_at=at,
        )
    Delivery.objects.create(
        pk=UUID(DELIVERY_ID),
        endpoint_id=UUID(WEBHOOK_ID),
        status=DeliveryStatus.FAILED,
        created_at=at,
    )
