"""Whom the newest events concern: for the requests that wait for them."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from events.models import Event
from events.order import Position, end_of_log
from events.types import EventType

# If more events have happened since the last look, all readers are told to look for themselves.
MANY = 5_000


class Subject(NamedTuple):
    """The events that a reader waits for. ``user_id`` is None if they see those of all users."""

    user_id: int | None
    account_id: UUID | None
    type: EventType | None


def poll(since: Position) -> tuple[Position, Callable[[Subject], bool]]:
    """
    Return the end of the log, and whether an event after ``since`` may concern a ``Subject``.

    It is never False if one does.
    """
    end = end_of_log(connection)
    if end <= since:
        # The end, because after a restore the log may end before the point that was reached.
        return end, lambda subject: False
    events = (
        Event.objects.after(since)
        .up_to(end)
        .values_list(
            "type", "account_id", "other_account_id", "account__owner_id", "other_account__owner_id"
        )
    )
    rows = list(events[: MANY + 1])
    if len(rows) > MANY:
        return end, lambda subject: True
    types = {type for type, *_ in rows}
    accounts = {account for _, *both, _, _ in rows for account in both}
    owners = {owner for *_, first, second in rows for owner in (first, second)}

    def concerns(subject: Subject) -> bool:
        return (
            bool(rows)
            and (subject.user_id is None or subject.user_id in owners)
            and (subject.account_id is None or subject.account_id in accounts)
            and (subject.type is None or subject.type in types)
        )

    return end, concerns
