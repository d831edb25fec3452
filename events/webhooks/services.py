"""Register, change, test and replay webhooks. ``fanout`` and ``attempts`` send them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Q

from accounts.rights import may
from events.order import Position, end_of_log
from events.webhooks.exceptions import (
    MOST_WEBHOOKS,
    DeliveryNotFound,
    TooManyWebhooks,
    WebhookDisabled,
    WebhookNotFound,
)
from events.webhooks.models import LONGEST_REASON, Delivery, Endpoint
from events.webhooks.secrets import encrypted
from events.webhooks.signatures import new_secret
from events.webhooks.statuses import DeliveryStatus, EndpointStatus
from transfers import clock

# How long the previous secret signs too after a rotation.
ROTATION = timedelta(hours=24)
DISABLED_BY = "Disabled by "
# What is left of ``disabled_reason`` beside the longest name of the user who gives the reason.
LONGEST_OWN_REASON = (
    LONGEST_REASON - len(f"{DISABLED_BY}: ") - (User._meta.get_field("username").max_length or 0)
)


@transaction.atomic
def register(
    *,
    owner: User,
    url: str,
    events: list[str],
    account_ids: list[str],
    description: str,
) -> tuple[Endpoint, str]:
    """
    Register a webhook for what happens from now on, and return it with its secret.

    :param url: checked by ``addresses``
    :param events: the types to deliver; all if empty
    :param account_ids: the accounts whose events to deliver; all that ``owner`` may see if empty
    :raises TooManyWebhooks: if the owner already has the most that a user may have
    """
    # Locks the user, so that concurrent requests can't exceed the limit.
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    if Endpoint.objects.filter(owner=owner).count() >= MOST_WEBHOOKS:
        raise TooManyWebhooks()
    secret = new_secret()
    endpoint = Endpoint(
        owner=owner,
        url=url,
        events=events,
        account_ids=account_ids,
        description=description,
        secret=encrypted(secret),
        created_at=clock.now(),
    )
    endpoint.position = end_of_log(connection)
    endpoint.save(force_insert=True)
    return endpoint, secret


def find(*, webhook_id: UUID, actor: User) -> Endpoint:
    """
    Return a webhook that ``actor`` may see.

    :raises WebhookNotFound: if it doesn't exist or they may not see it
    """
    endpoint = Endpoint.objects.visible_to(actor).filter(pk=webhook_id).first()
    if endpoint is None:
        raise WebhookNotFound(webhook_id)
    return endpoint


@transaction.atomic
def change(*, webhook_id: UUID, actor: User, **members: Any) -> Endpoint:
    """
    Replace the given members of a webhook: ``url``, ``events``, ``account_ids``, ``description``.

    :raises WebhookNotFound, PermissionDenied: as ``_locked``
    """
    endpoint = _locked(webhook_id, actor)
    for name, value in members.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=members.keys())
    return endpoint


@transaction.atomic
def delete(*, webhook_id: UUID, actor: User) -> None:
    """
    Delete a webhook with its deliveries. An attempt in progress isn't interrupted.

    :raises WebhookNotFound, PermissionDenied: as ``_locked``
    """
    _locked(webhook_id, actor).delete()


@transaction.atomic
def rotate_secret(*, webhook_id: UUID, actor: User) -> tuple[Endpoint, str]:
    """
    Give a webhook a new secret, and return both. For 24 hours, the previous one signs too.

    :raises WebhookNotFound, PermissionDenied: as ``_locked``
    """
    endpoint = _locked(webhook_id, actor)
    secret = new_secret()
    endpoint.previous_secret = endpoint.secret
    endpoint.previous_secret_until = clock.now() + ROTATION
    endpoint.secret = encrypted(secret)
    endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    return endpoint, secret


@transaction.atomic
def enable(*, webhook_id: UUID, actor: User) -> Endpoint:
    """
    Enable a webhook. What happened while it was disabled is delivered now.

    :raises WebhookNotFound, PermissionDenied: as ``_locked``
    """
    endpoint = _locked(webhook_id, actor)
    if endpoint.status == EndpointStatus.DISABLED:
        endpoint.status, endpoint.disabled_reason = EndpointStatus.ENABLED, ""
        endpoint.failing_since = None
        endpoint.save(update_fields=["status", "disabled_reason", "failing_since"])
        now = clock.now()
        pending = endpoint.deliveries.filter(status=DeliveryStatus.PENDING)
        pending.update(since=None, due_at=now)
    return endpoint


@transaction.atomic
def disable(*, webhook_id: UUID, actor: User, reason: str) -> Endpoint:
    """
    Disable a webhook: nothing is sent until it is enabled again. One that is disabled already keeps
    its reason.

    :param reason: at most ``LONGEST_OWN_REASON`` characters; the owner sees it, with who gave it
    :raises WebhookNotFound, PermissionDenied: as ``_locked``
    """
    endpoint = _locked(webhook_id, actor)
    if endpoint.status == EndpointStatus.ENABLED:
        # A preview doesn't have a reason yet.
        why = f": {reason}" if reason else ""
        endpoint.disable(f"{DISABLED_BY}{actor.get_username()}{why}")
        endpoint.save(update_fields=["status", "disabled_reason"])
    return endpoint


@transaction.atomic
def test(*, webhook_id: UUID, actor: User) -> Delivery:
    """
    Deliver a test to a webhook, and return the delivery, which hasn't been attempted yet.

    :raises WebhookNotFound, PermissionDenied: as ``_locked``
    :raises WebhookDisabled: if the webhook is disabled
    """
    endpoint = _enabled(_locked(webhook_id, actor))
    now = clock.now()
    return Delivery.objects.create(endpoint=endpoint, due_at=now, created_at=now)


@transaction.atomic
def replay(*, webhook_id: UUID, actor: User, after: Position) -> Endpoint:
    """
    Deliver all events after a place in the log again. They have the same ids as before.

    :raises WebhookNotFound, PermissionDenied: as ``_locked``
    :raises WebhookDisabled: if the webhook is disabled
    """
    endpoint = _enabled(_locked(webhook_id, actor))
    endpoint.position = min(after, endpoint.position)
    endpoint.save(update_fields=["transaction", "number"])
    return endpoint


@transaction.atomic
def retry(*, webhook_id: UUID, delivery_id: UUID, actor: User) -> Delivery:
    """
    Attempt a delivery again now, even if it succeeded. After failures it has three days again.

    An attempt in progress isn't repeated.

    :raises WebhookNotFound, PermissionDenied: as ``_locked``
    :raises DeliveryNotFound: if the webhook has no such delivery
    :raises WebhookDisabled: if the webhook is disabled
    """
    endpoint = _enabled(_locked(webhook_id, actor))
    now = clock.now()
    is_idle = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    endpoint.deliveries.filter(is_idle, pk=delivery_id).update(
        status=DeliveryStatus.PENDING, since=None, due_at=now, claimed_until=None
    )
    delivery = endpoint.deliveries.select_related("event").filter(pk=delivery_id).first()
    if delivery is None:
        raise DeliveryNotFound(delivery_id)
    return delivery


def _locked(webhook_id: UUID, actor: User) -> Endpoint:
    """
    Lock a webhook until the transaction ends, and return it.

    :raises WebhookNotFound: if it doesn't exist or ``actor`` may not see it
    :raises PermissionDenied: if it isn't theirs and they don't manage all webhooks
    """
    visible = Endpoint.objects.visible_to(actor).filter(pk=webhook_id)
    endpoint = visible.select_for_update(of=("self",)).first()
    if endpoint is None:
        raise WebhookNotFound(webhook_id)
    if not (endpoint.is_owned_by(actor) or manages_all(actor)):
        raise PermissionDenied(
            "This requires the permissions webhooks.manage_any and accounts.read_any, unless the "
            "webhook is yours."
        )
    return endpoint


def manages_all(actor: User | AnonymousUser) -> bool:
    """
    Return whether ``actor`` may change the webhooks of all users.

    A user who changes a URL or replays events receives what the owner of the webhook may see, so
    they must be allowed to see all accounts.
    """
    return may(actor, "webhooks.manage_any") and may(actor, "accounts.read_any")


def _enabled(endpoint: Endpoint) -> Endpoint:
    if endpoint.status == EndpointStatus.DISABLED:
        raise WebhookDisabled(endpoint.disabled_reason)
    return endpoint
