"""The tables of webhooks: endpoints, and the deliveries of events to them."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from accounts.rights import may
from events.models import Event
from events.order import START, Position
from events.webhooks.addresses import LONGEST_URL
from events.webhooks.statuses import DeliveryStatus, EndpointStatus

LONGEST_DESCRIPTION = 200
LONGEST_REASON = 300
# Fernet's form of a secret has 184 characters.
LONGEST_SECRET = 255
# In characters: at most one for each byte that ``sending`` keeps.
LONGEST_EXCERPT = 1024


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    """Find the endpoints that a user may see."""

    def visible_to(self, user: User) -> Self:
        """Return the user's own endpoints; all of them with ``webhooks.read_any``."""
        endpoints = self.select_related("owner")
        return endpoints if may(user, "webhooks.read_any") else endpoints.filter(owner=user)


class Endpoint(models.Model):
    """
    A URL to which the events that its owner may see are delivered.

    ``events`` and ``account_ids`` limit which; an empty list doesn't. ``transaction`` and
    ``number`` are the place in the log up to which deliveries have been made. While a secret is
    being replaced, the previous one signs too, until ``previous_secret_until``.

    ``failing_since`` is the time of the first failed attempt after the last successful one.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    url = models.CharField(max_length=LONGEST_URL)
    description = models.CharField(max_length=LONGEST_DESCRIPTION, blank=True)
    events = models.JSONField(default=list)
    account_ids = models.JSONField(default=list)
    secret = models.CharField(max_length=LONGEST_SECRET, editable=False)
    previous_secret = models.CharField(
        max_length=LONGEST_SECRET, blank=True, default="", editable=False
    )
    previous_secret_until = models.DateTimeField(null=True)
    status = models.CharField(
        max_length=8,
        choices={each.value: each.value.title() for each in EndpointStatus},
        default=EndpointStatus.ENABLED.value,
    )
    disabled_reason = models.CharField(max_length=LONGEST_REASON, blank=True, default="")
    failing_since = models.DateTimeField(null=True)
    transaction = models.BigIntegerField(default=START.transaction)
    number = models.BigIntegerField(default=START.number)
    created_at = models.DateTimeField()

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook"
        default_permissions = ()
        permissions = [
            ("read_any", "Can see the webhooks of all users"),
            ("manage_any", "Can change, enable and delete the webhooks of other users"),
        ]
        constraints = [
            models.CheckConstraint(
                name="endpoint_status_known", condition=Q(status__in=["ENABLED", "DISABLED"])
            ),
            models.CheckConstraint(
                name="endpoint_disabled_for_a_reason",
                condition=Q(status="DISABLED") & ~Q(disabled_reason="")
                | Q(status="ENABLED", disabled_reason=""),
            ),
            models.CheckConstraint(
                name="endpoint_previous_secret_ends",
                condition=Q(previous_secret="", previous_secret_until__isnull=True)
                | (~Q(previous_secret="") & Q(previous_secret_until__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def position(self) -> Position:
        """The place in the log up to which deliveries have been made."""
        return Position(self.transaction, self.number)

    @position.setter
    def position(self, position: Position) -> None:
        self.transaction, self.number = position

    def is_owned_by(self, user: User) -> bool:
        return self.owner_id == user.pk

    def disable(self, reason: str) -> None:
        """Note, without saving it, that nothing more is sent, and why."""
        self.status = EndpointStatus.DISABLED
        self.disabled_reason = reason[:LONGEST_REASON]

    def wants(self, event: Event) -> bool:
        """Return whether events of this type are delivered."""
        return not self.events or event.type in self.events

    def stored_secrets(self, now: datetime) -> list[str]:
        """Return the encrypted secrets that sign at ``now``."""
        until = self.previous_secret_until
        return [self.secret, *([self.previous_secret] if until is not None and now < until else [])]


class Delivery(models.Model):
    """
    The delivery of one event to an endpoint, with the outcome of its last attempt.

    ``event`` is null for a test. ``since`` is the time of the first attempt; three days later it is
    given up. A retry by hand or the enabling of the endpoint clears it. ``due_at`` is the time of
    the next attempt, and null if there is none. Until ``claimed_until``, a process is making an
    attempt, and no other may.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(
        Endpoint, models.CASCADE, related_name="deliveries", db_index=False
    )
    event = models.ForeignKey(Event, models.PROTECT, null=True, related_name="+", db_index=False)
    status = models.CharField(
        max_length=9,
        choices={each.value: each.value.title() for each in DeliveryStatus},
        default=DeliveryStatus.PENDING.value,
    )
    attempts = models.IntegerField(default=0)
    since = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField(null=True)
    response_status = models.IntegerField(null=True)
    response_ms = models.IntegerField(null=True)
    response_body = models.CharField(max_length=LONGEST_EXCERPT, blank=True, default="")
    error = models.CharField(max_length=LONGEST_REASON, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        default_permissions = ()
        indexes = [
            models.Index(fields=["endpoint", "id"], name="delivery_by_endpoint"),
            models.Index(
                fields=["endpoint", "due_at"],
                condition=Q(due_at__isnull=False),
                name="delivery_due",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="delivery_status_known",
                condition=Q(status__in=["PENDING", "DELIVERED", "FAILED"]),
            ),
            models.CheckConstraint(
                name="delivery_due_while_pending",
                condition=Q(status="PENDING", due_at__isnull=False)
                | (~Q(status="PENDING") & Q(due_at__isnull=True, claimed_until__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
