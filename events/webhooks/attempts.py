"""
Claim deliveries that are due, and record what an attempt led to.

A process claims a delivery before it sends it. The claim ends after a minute, long after an attempt
ends, so that another process takes over the deliveries of one that was killed. They may arrive
twice, and receivers recognize them by their id.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Min, Q, QuerySet

from accounts.models import Account
from api.instants import instant
from api.renderers import JSONRenderer
from events.bodies import body_of
from events.webhooks.addresses import Refused, Target, target_of
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.retries import next_attempt, retry_after_of
from events.webhooks.secrets import UnreadableSecret, decrypted
from events.webhooks.sending import SECONDS, Outcome
from events.webhooks.signatures import signed_headers
from events.webhooks.statuses import DeliveryStatus, EndpointStatus
from transfers import clock

# How long a claim lasts. An attempt takes at most ``SECONDS``.
CLAIM = timedelta(seconds=60)
# How many deliveries of one webhook a process attempts at once.
AT_ONCE = 8

NO_LONGER_VISIBLE = "The owner of the webhook may no longer see this event."

TEST_TYPE = "webhook.test"
GONE = 410


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    An attempt that this process has claimed: what to send where, if that could be told.

    ``error`` says why it can't be sent, and is empty if it can. It mustn't be sent after
    ``send_until``, a time of ``time.monotonic``, because the claim could end before the attempt.
    """

    delivery_id: UUID
    endpoint_id: UUID
    owner_id: int
    claimed_until: datetime
    send_until: float
    target: Target | None
    headers: Mapping[str, str]
    body: bytes
    error: str = ""


def due_endpoints(now: datetime) -> list[tuple[UUID, int]]:
    """
    Return the webhooks with deliveries to attempt, the longest waiting first.

    :return: the id of each, and the id of its owner
    """
    due = _due(now).values_list("endpoint_id", "endpoint__owner_id")
    return [(pk, owner) for pk, owner, _ in due.annotate(first=Min("due_at")).order_by("first")]


def claim(endpoint_id: UUID, count: int) -> list[Attempt]:
    """Claim up to ``count`` deliveries of a webhook that are due, oldest first."""
    # Read before the clock of the database, so that it can only be too early.
    send_until = monotonic() + CLAIM.total_seconds() - SECONDS
    with transaction.atomic():
        now = clock.now()
        waiting = _due(now).filter(endpoint_id=endpoint_id).order_by("due_at", "pk")
        waiting = waiting.select_for_update(skip_locked=True, of=("self",))
        ids = list(waiting.values_list("pk", flat=True)[:count])
        if not ids:
            return []
        until = now + CLAIM
        claimed = Delivery.objects.filter(pk__in=ids)
        claimed.update(claimed_until=until)
        loaded = claimed.select_related("endpoint__owner", "event__transfer", "event__account")
        deliveries = _still_visible(list(loaded.order_by("due_at", "pk")))
        return [_attempt(delivery, now, until, send_until) for delivery in deliveries]


def record(attempt: Attempt, outcome: Outcome) -> None:
    """Record what an attempt led to: it is delivered, due again later, or given up."""
    with transaction.atomic():
        # The webhook first, as everywhere, so that two processes can't lock in opposite orders.
        endpoint = Endpoint.objects.select_for_update().filter(pk=attempt.endpoint_id).first()
        delivery = (
            Delivery.objects.select_for_update()
            .filter(pk=attempt.delivery_id, claimed_until=attempt.claimed_until)
            .first()
        )
        # The webhook was deleted, or the claim ended and another process took over.
        if endpoint is None or delivery is None:
            return
        now = clock.now()
        delivery.attempts += 1
        delivery.since = delivery.since or now
        delivery.attempted_at = now
        delivery.claimed_until = None
        delivery.response_status = outcome.status
        delivery.response_ms = outcome.milliseconds
        delivery.response_body = outcome.excerpt
        delivery.error = outcome.error
        if outcome.is_success:
            delivery.status, delivery.due_at = DeliveryStatus.DELIVERED, None
            _succeeded(endpoint)
        else:
            _failed(endpoint, delivery, outcome, now)
        delivery.save()


def _due(now: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        Q(claimed_until__isnull=True) | Q(claimed_until__lte=now),
        due_at__lte=now,
        endpoint__status=EndpointStatus.ENABLED,
        endpoint__owner__is_active=True,
    )


def _still_visible(deliveries: list[Delivery]) -> list[Delivery]:
    """
    Return the deliveries of events that the owner of the webhook may see, and give up the others.

    The owner may have lost the permission since the delivery was made.
    """
    owner = deliveries[0].endpoint.owner
    concerned = {delivery.pk: _account_ids(delivery) for delivery in deliveries}
    accounts = Account.objects.visible_to(owner).filter(pk__in=set().union(*concerned.values()))
    seen = set(accounts.values_list("pk", flat=True))
    hidden = [
        delivery.pk
        for delivery in deliveries
        if delivery.event is not None and not concerned[delivery.pk] & seen
    ]
    if hidden:
        Delivery.objects.filter(pk__in=hidden).update(
            status=DeliveryStatus.FAILED, due_at=None, claimed_until=None, error=NO_LONGER_VISIBLE
        )
    return [delivery for delivery in deliveries if delivery.pk not in hidden]


def _account_ids(delivery: Delivery) -> set[UUID | None]:
    event = delivery.event
    return set() if event is None else {event.account_id, event.other_account_id}


def _attempt(delivery: Delivery, now: datetime, until: datetime, send_until: float) -> Attempt:
    target: Target | None = None
    headers: Mapping[str, str] = {}
    error = ""
    body = JSONRenderer().render(_document(delivery))
    message_id = str(delivery.event.uuid if delivery.event else delivery.pk)
    try:
        headers = signed_headers(message_id, now, body, _secrets(delivery.endpoint, now))
        # Checked at each attempt, because the allowed hosts may have changed. Assigned last: a
        # message without a signature must not have a target.
        target = target_of(delivery.endpoint.url)
    except Refused as refused:
        error = str(refused)
    except UnreadableSecret:
        error = "LEDGER_SECRET_KEY was changed since the secret was stored. Rotate the secret."
    return Attempt(
        delivery_id=delivery.pk,
        endpoint_id=delivery.endpoint_id,
        owner_id=delivery.endpoint.owner_id,
        claimed_until=until,
        send_until=send_until,
        target=target,
        headers=headers,
        body=body,
        error=error,
    )


def _secrets(endpoint: Endpoint, now: datetime) -> list[str]:
    """
    Return the secrets that sign now.

    The previous one is left out if it can't be read, so that one rotation is enough after
    ``LEDGER_SECRET_KEY`` was changed.

    :raises UnreadableSecret: if the current one can't be read
    """
    current, *previous = endpoint.stored_secrets(now)
    secrets = [decrypted(current)]
    for stored in previous:
        with suppress(UnreadableSecret):
            secrets.append(decrypted(stored))
    return secrets


def _document(delivery: Delivery) -> dict[str, Any]:
    if delivery.event is not None:
        return body_of(delivery.event)
    return {
        "id": str(delivery.pk),
        "type": TEST_TYPE,
        "created_at": instant(delivery.created_at),
        "data": {"webhook_id": str(delivery.endpoint_id)},
    }


def _succeeded(endpoint: Endpoint) -> None:
    if endpoint.failing_since is not None:
        endpoint.failing_since = None
        endpoint.save(update_fields=["failing_since"])


def _failed(endpoint: Endpoint, delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    if endpoint.failing_since is None:
        endpoint.failing_since = now
    since = delivery.since or now
    delivery.due_at = next_attempt(
        since=since,
        attempts=delivery.attempts,
        now=now,
        retry_after=retry_after_of(outcome.retry_after, now),
    )
    if outcome.status == GONE:
        delivery.due_at = None
        endpoint.disable("The receiver responded with 410 (Gone).")
    elif delivery.due_at is None and endpoint.failing_since <= since:
        # Nothing has succeeded in all the time that this delivery was attempted.
        last = outcome.error or f"status {outcome.status}"
        endpoint.disable(
            f"No delivery has succeeded since {instant(endpoint.failing_since)}. "
            f"The last error: {last}"
        )
    if delivery.due_at is None:
        delivery.status = DeliveryStatus.FAILED
    endpoint.save(update_fields=["failing_since", "status", "disabled_reason"])
