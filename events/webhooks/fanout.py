"""
Make a delivery of each new event for each webhook that wants it, in the order of the log.

A webhook remembers the place in the log up to which its deliveries have been made. The place and
the deliveries are written in one transaction, so a process that dies in between loses nothing and
repeats nothing.
"""

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from accounts.models import Account
from accounts.rights import may
from events.models import Event
from events.order import Position, end_of_log
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.statuses import EndpointStatus
from transfers import clock

# The most deliveries that are made in one transaction.
BATCH = 500
# A webhook with this many pending deliveries gets no more until some have ended. The log keeps what
# is to come.
MOST_PENDING = 1000


def fan_out() -> tuple[int, bool]:
    """
    Make the next deliveries of each webhook, at most ``BATCH`` each.

    Return their number, and whether the log has more for a webhook. Call it again then: reading a
    long log for one webhook mustn't keep the deliveries of the others waiting.
    """
    end = end_of_log(connection)
    behind = Q(transaction__lt=end.transaction) | Q(
        transaction=end.transaction, number__lt=end.number
    )
    enabled = Endpoint.objects.filter(behind, status=EndpointStatus.ENABLED, owner__is_active=True)
    batches = [_make_batch(pk, end) for pk in enabled.values_list("pk", flat=True)]
    return sum(made for made, _ in batches), any(has_more for _, has_more in batches)


def _make_batch(pk: UUID, end: Position) -> tuple[int, bool]:
    """Make the next deliveries of one webhook up to ``end``; return as ``fan_out``."""
    with transaction.atomic():
        # A webhook that another process is working on is left to it.
        endpoint = _skipping_locked(Endpoint.objects.filter(pk=pk)).first()
        if endpoint is None or endpoint.status == EndpointStatus.DISABLED:
            return 0, False
        pending = endpoint.deliveries.filter(due_at__isnull=False)[:MOST_PENDING].count()
        room = min(BATCH, MOST_PENDING - pending)
        if room <= 0 or endpoint.position >= end:
            return 0, False
        new = _next_events(endpoint, end, room)
        has_more = len(new) == room
        endpoint.position = new[-1].position if has_more else end
        endpoint.save(update_fields=["transaction", "number"])
        wanted = [each for each in new if endpoint.wants(each)]
        _make(endpoint, wanted, clock.now())
    return len(wanted), has_more


def _skipping_locked(endpoints: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
    endpoints = endpoints.select_related("owner")
    return endpoints.select_for_update(skip_locked=True, of=("self",))


def _next_events(endpoint: Endpoint, end: Position, count: int) -> list[Event]:
    """Return the next events of any type that the owner of a webhook may see, in order."""
    owner, after = endpoint.owner, endpoint.position
    if endpoint.account_ids:
        accounts = Account.objects.visible_to(owner).filter(pk__in=endpoint.account_ids)
    elif may(owner, "accounts.read_any"):
        return Event.objects.oldest_of_all(after, end, None, count)
    else:
        accounts = Account.objects.visible_to(owner)
    return Event.objects.oldest_of_accounts(accounts, after, end, None, count)


def _make(endpoint: Endpoint, events: list[Event], now: datetime) -> None:
    Delivery.objects.bulk_create(
        [Delivery(endpoint=endpoint, event=event, due_at=now, created_at=now) for event in events]
    )
