"""The statuses of webhooks and of deliveries."""

from accounts.enums import Explained


class EndpointStatus(Explained):
    """Whether events are sent to an endpoint."""

    ENABLED = "ENABLED", "events are sent."
    DISABLED = "DISABLED", "nothing is sent; `disabled_reason` says why."


class DeliveryStatus(Explained):
    """What became of a delivery."""

    PENDING = "PENDING", "it is still to be attempted, for the first time or again."
    DELIVERED = "DELIVERED", "the receiver responded with a status from 200 to 299."
    FAILED = "FAILED", "it was given up."
