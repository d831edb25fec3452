"""The feed of events over HTTP: a reader asks again and again for what came after a cursor."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.exceptions import AccountNotFound
from accounts.models import Account
from accounts.rights import may
from api.operations import LOGGED_IN, Operation
from api.pagination import SignedKeysetPagination, integer_of
from api.scopes import Scope
from api.viewset import LedgerViewSet
from api.waiting import HOLD, Wait
from database.switching import current_ledger
from events.bodies import body_of
from events.cursors import cursor_of, position_of
from events.examples import CURSOR, FROZEN, POSTED
from events.filters import EventFilter
from events.models import Event
from events.news import Subject
from events.order import START, Position, end_of_log
from events.serializers import EventPageSerializer, EventSerializer
from events.types import EventType

LONGEST_WAIT = 20


class FeedPagination(SignedKeysetPagination):
    """Describe the query parameters of the feed, and read them."""

    cursor_query_param = "after"
    wait_query_param = "wait"

    def position_of(self, request: Request) -> Position:
        """
        Return the position to continue after.

        :raises InvalidCursor: if the service didn't issue the cursor
        """
        cursor = request.query_params.get(self.cursor_query_param)
        return START if cursor is None else position_of(cursor)

    def wait_of(self, request: Request) -> int:
        """
        Return for how many seconds to wait for an event.

        :raises ValidationError: if ``wait`` isn't an integer from 0 to ``LONGEST_WAIT``
        """
        return integer_of(request, self.wait_query_param, 0, 0, LONGEST_WAIT)

    def get_schema_operation_parameters(self, view: Any) -> list[dict]:
        limit, after = super().get_schema_operation_parameters(view)
        after["description"] = (
            "The `next_cursor` of an earlier response. Without it, from the first event on."
        )
        wait = {
            "name": self.wait_query_param,
            "in": "query",
            "description": "For how many seconds to wait if there is no event yet.",
            "schema": {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0},
        }
        return [limit, after, wait]


class FeedViewSet(LedgerViewSet):
    """Read the event log."""

    queryset = Event.objects.all()
    serializer_class = EventSerializer
    filterset_class = EventFilter
    pagination_class = FeedPagination
    paging = frozenset({"limit", "after", "wait"})
    paginator: FeedPagination

    @Operation(
        "listEvents",
        "Events",
        "Read the events after a cursor",
        who=f"{LOGGED_IN} They see the events of their own accounts, or all with "
        "`accounts.read_any`.",
        scope=Scope.EVENTS_READ,
        description="Oldest first, in the order in which the events became visible: an event never "
        "appears before one that was already read. The response always has a `next_cursor`. Store "
        "it with what you have processed, and ask again with it. It works with other filters, too. "
        "With `wait`, the response comes as soon as there is an event, or empty after that time.",
        response=EventPageSerializer,
        answers={"Two events": {"items": [POSTED, FROZEN], "next_cursor": CURSOR}},
        errors=(AccountNotFound,),
    )
    def list(self, request: Request) -> Response:
        limit = self.paginator.limit_of(request)
        seconds = self.paginator.wait_of(request)
        after = self.paginator.position_of(request)
        end = end_of_log(connection)
        items = self._events(after, end, limit)
        # A page that isn't full has been searched to the end of the log.
        reached = items[-1].position if len(items) == limit else max(after, end)
        if seconds and not items and HOLD in request.META:
            # Not `reached`: after a restore, a cursor may be ahead of the log.
            request.META[HOLD].wait = Wait(end, self._subject(), seconds, current_ledger())
        return Response(
            {"items": [body_of(item) for item in items], "next_cursor": cursor_of(reached)}
        )

    def _subject(self) -> Subject:
        filters = self.filters_of(self.request)
        sees_all = may(self.actor, "accounts.read_any")
        user_id = None if sees_all else self.actor.pk
        return Subject(user_id, filters.get("account_id"), _type_in(filters))

    def _events(self, after: Position, end: Position, count: int) -> Sequence[Event]:
        filters = self.filters_of(self.request)
        type = _type_in(filters)
        accounts = Account.objects.visible_to(self.actor)
        if account_id := filters.get("account_id"):
            accounts = accounts.filter(pk=account_id)
            if not accounts.exists():
                raise AccountNotFound(account_id)
        elif may(self.actor, "accounts.read_any"):
            return Event.objects.oldest_of_all(after, end, type, count)
        return Event.objects.oldest_of_accounts(accounts, after, end, type, count)


def _type_in(filters: dict[str, Any]) -> EventType | None:
    return EventType(filters["type"]) if filters.get("type") else None
