"""The errors of webhooks. Plain Python."""

from typing import Self

from api.errors import ApiError
from events.webhooks.examples import DELIVERY_ID, WEBHOOK_ID

# How many webhooks a user may have.
MOST_WEBHOOKS = 50


class WebhookNotFound(ApiError):
    code = "webhook_not_found"
    status = 404
    meaning = "The webhook doesn't exist, or you may not see it."
    remedy = (
        "Check the id. To retry a POST, PATCH or DELETE, use a new key: this response is stored "
        "under the old one."
    )

    def __init__(self, webhook_id: object) -> None:
        super().__init__(f"Webhook {webhook_id} doesn't exist, or you may not see it.")

    @classmethod
    def example(cls) -> Self:
        return cls(WEBHOOK_ID)


class DeliveryNotFound(ApiError):
    code = "delivery_not_found"
    status = 404
    meaning = "The webhook has no delivery with this id."
    remedy = "Look for the id in the webhook's list of deliveries."

    def __init__(self, delivery_id: object) -> None:
        super().__init__(f"The webhook has no delivery {delivery_id}.")

    @classmethod
    def example(cls) -> Self:
        return cls(DELIVERY_ID)


class TooManyWebhooks(ApiError):
    code = "too_many_webhooks"
    status = 409
    meaning = f"The user already has {MOST_WEBHOOKS} webhooks."
    remedy = "Delete a webhook that isn't needed any more, or use one for several types of events."
    detail = f"You already have {MOST_WEBHOOKS} webhooks. Delete one first."


class WebhookDisabled(ApiError):
    code = "webhook_disabled"
    status = 409
    meaning = "The webhook is disabled, so nothing is delivered to it. `reason` says why."
    remedy = "Mend the receiver, then enable the webhook."
    figures = {"reason": (str, "Why the webhook was disabled.")}

    def __init__(self, reason: str) -> None:
        super().__init__("The webhook is disabled. Enable it first.", reason=reason)

    @classmethod
    def example(cls) -> Self:
        return cls("The receiver responded with 410 (Gone).")
