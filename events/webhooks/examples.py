"""The webhook of the examples in the OpenAPI document. The demo data contains it."""

from typing import Any

from accounts.examples import ACCOUNT_ID

WEBHOOK_ID = "019b8d7d-f1c0-7000-8000-0000000000f1"
DISABLED_WEBHOOK_ID = "019b8d7d-f1c0-7000-8000-0000000000f2"
UNUSED_WEBHOOK_ID = "019b8d7d-f1c0-7000-8000-0000000000f4"
DELIVERY_ID = "019b8d7d-f1c0-7000-8000-0000000000f3"

WEBHOOK: dict[str, Any] = {
    "id": WEBHOOK_ID,
    "url": "https://app.example/webhooks",
    "description": "Order processing",
    "events": ["transfer.posted"],
    "account_ids": [ACCOUNT_ID],
    "status": "ENABLED",
    "disabled_reason": "",
    "failing_since": None,
    "created_at": "2026-01-05T09:30:00.000000Z",
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
WEBHOOK_WITH_SECRET = {**WEBHOOK, "secret": SECRET}
DISABLED_WEBHOOK = {
    **WEBHOOK,
    "id": DISABLED_WEBHOOK_ID,
    "status": "DISABLED",
    "disabled_reason": "The receiver responded with 410 (Gone).",
    "failing_since": "2026-01-06T10:00:00.000000Z",
}

DELIVERY: dict[str, Any] = {
    "id": DELIVERY_ID,
    "event_id": "5f0c7a52-3a0f-4e35-9a52-4e1d0f3a7c11",
    "event_type": "transfer.posted",
    "status": "PENDING",
    "attempts": 1,
    "attempted_at": "2026-01-06T10:00:00.250000Z",
    "next_attempt_at": "2026-01-06T10:00:10.500000Z",
    "response_status": 503,
    "response_ms": 87,
    "response_body": "Service Unavailable",
    "error": "",
    "created_at": "2026-01-06T10:00:00.000000Z",
}
TEST_DELIVERY = {
    **DELIVERY,
    "event_id": None,
    "event_type": "webhook.test",
    "attempts": 0,
    "attempted_at": None,
    "next_attempt_at": "2026-01-06T10:00:00.000000Z",
    "response_status": None,
    "response_ms": None,
    "response_body": "",
}
