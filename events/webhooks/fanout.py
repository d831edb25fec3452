"""
Make a delivery of each new event for each webhook that wants it, in the order of the log.

A webhook remembers the place in the log up to which its deliveries have been made. The place and
the deliveries are written in one transaction, so a process that dies in between loses nothing and
repeats nothing.
"""

from collections import Counter
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from accounts.models import Account
from accounts.rights import may
from events.models import Event
from events.order import Position, end_of_log
from events.querysets import PLACE
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.statuses import EndpointStatus
from transfers import clock

# The most deliveries that are made in one transaction, and events that are passed over in one.
BATCH = 500
# From this number of webhooks at the same place on, it is worth looking who is concerned.
FEW = 3
# The most webhooks that are moved on in one transaction.
MOST_MOVED = 10_000
READ_ANY = "accounts.read_any"
# A webhook with this many pending deliveries gets no more until some have ended. The log keeps what
# is to come.
MOST_PENDING = 1000


class Behind(NamedTuple):
    """An enabled webhook that hasn't reached the end of the log."""

    pk: UUID
    owner_id: int
    place: Position


def fan_out() -> tuple[int, bool]:
    """
    Make the next deliveries of each webhook, at most ``BATCH`` each.

    Return their number, and whether the log has more for a webhook. Call it again then: reading a
    long log for one webhook mustn't keep the deliveries of the others waiting.
    """
    end = end_of_log(connection)
    places = _enabled().filter(_before(end)).values_list("pk", "owner_id", "transaction", "number")
    behind = [Behind(pk, owner_id, Position(*place)) for pk, owner_id, *place in places]
    passed, passed_has_more = _pass_over(behind, end)
    batches = [_make_batch(each.pk, end) for each in behind if each.pk not in passed]
    has_more = passed_has_more or any(has_more for _, has_more in batches)
    return sum(made for made, _ in batches), has_more


def _enabled() -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(status=EndpointStatus.ENABLED, owner__is_active=True)


def _before(end: Position) -> Q:
    return Q(transaction__lt=end.transaction) | Q(
        transaction=end.transaction, number__lt=end.number
    )


def _pass_over(behind: list[Behind], end: Position) -> tuple[set[UUID], bool]:
    """
    Move on all webhooks whose owners may see none of the next events, in one transaction.

    Nearly all webhooks are at the same place in the log, where the previous round ended, and the
    next events concern few of their owners. So a round doesn't cost more the more webhooks have
    nothing to do.

    Return their ids, and whether the log has more for them.
    """
    [(start, count)] = Counter(each.place for each in behind).most_common(1) or [(end, 0)]
    if count < FEW:
        return set(), False
    until, concerned = _next_owners(start, end)
    idle = {
        each.pk for each in behind if start <= each.place < until and each.owner_id not in concerned
    }
    if idle:
        _move_on(start, until, concerned)
    has_more = until < end or len(idle) > MOST_MOVED
    return idle, has_more and bool(idle)


def _next_owners(start: Position, end: Position) -> tuple[Position, set[int]]:
    """Return a place after ``start``, and who may see an event between the two."""
    events = Event.objects.after(start).up_to(end).in_order()
    new = list(events.values_list(*PLACE, "account_id", "other_account_id")[:BATCH])
    until = Position(*new[-1][:2]) if len(new) == BATCH else end
    ids = {account_id for _, _, *pair in new for account_id in pair if account_id is not None}
    owners = Account.objects.customers().filter(pk__in=ids).values_list("owner_id", flat=True)
    readers = User.objects.with_perm(READ_ANY).values_list("pk", flat=True)
    return until, {*owners, *readers}


def _move_on(start: Position, until: Position, concerned: set[int]) -> None:
    """Move the webhooks from ``start`` on to ``until``, except those of owners in ``concerned``."""
    with transaction.atomic():
        # Those that another process works on, or has moved since then, are left to it.
        idle = _enabled().filter(~_before(start), _before(until)).exclude(owner_id__in=concerned)
        unlocked = _skipping_locked(idle).only("pk")[:MOST_MOVED]
        Endpoint.objects.filter(pk__in=[each.pk for each in unlocked]).update(
            transaction=until.transaction, number=until.number
        )


def _make_batch(pk: UUID, end: Position) -> tuple[int, bool]:
    """Make the next deliveries of one webhook up to ``end``; return as ``fan_out``."""
    with transaction.atomic():
        # A webhook that another process is working on is left to it.
        endpoint = _skipping_locked(Endpoint.objects.filter(pk=pk).select_related("owner")).first()
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
    return endpoints.select_for_update(skip_locked=True, of=("self",))


def _next_events(endpoint: Endpoint, end: Position, count: int) -> list[Event]:
    """Return the next events of any type that the owner of a webhook may see, in order."""
    owner, after = endpoint.owner, endpoint.position
    if endpoint.account_ids:
        accounts = Account.objects.visible_to(owner).filter(pk__in=endpoint.account_ids)
    elif may(owner, READ_ANY):
        return Event.objects.oldest_of_all(after, end, None, count)
    else:
        accounts = Account.objects.visible_to(owner)
    return Event.objects.oldest_of_accounts(accounts, after, end, None, count)


def _make(endpoint: Endpoint, events: list[Event], now: datetime) -> None:
    Delivery.objects.bulk_create(
        [Delivery(endpoint=endpoint, event=event, due_at=now, created_at=now) for event in events]
    )
