"""Queries for events."""

from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThanOrEqual

from accounts.querysets import AccountQuerySet
from events.order import Position, oldest_running
from events.types import EventType

if TYPE_CHECKING:
    from events.models import Event

PLACE = ("transaction", "number")


class EventQuerySet(models.QuerySet["Event"]):
    """Queries for events."""

    def visible(self) -> Self:
        """
        Return the events before which no other event can appear any more.

        All reading in the order of the log must start from this, or end at ``order.end_of_log()``.
        """
        return self.all() if self._is_numbered() else self.filter(transaction__lt=oldest_running())

    def hidden(self) -> Self:
        """Return the events that aren't ``visible`` yet."""
        return (
            self.none() if self._is_numbered() else self.filter(transaction__gte=oldest_running())
        )

    def in_order(self) -> Self:
        """Order the events as in the log, oldest first."""
        return self.order_by("number") if self._is_numbered() else self.order_by(*PLACE)

    def after(self, position: Position) -> Self:
        """Return the events after ``position``, unordered."""
        if self._is_numbered():
            return self.filter(number__gt=position.number)
        return self.filter(TupleGreaterThan(Tuple(*PLACE), tuple(position)))

    def up_to(self, position: Position) -> Self:
        """Return the events up to ``position``, inclusive, unordered."""
        if self._is_numbered():
            return self.filter(number__lte=position.number)
        return self.filter(TupleLessThanOrEqual(Tuple(*PLACE), tuple(position)))

    def with_data(self) -> Self:
        """Fetch in the same query what ``bodies.body_of`` needs."""
        return self.select_related("transfer", "account")

    def _is_numbered(self) -> bool:
        """Whether the number alone is the order, as on SQLite."""
        return connections[self.db].vendor == "sqlite"

    def oldest_of_all(
        self, after: Position, end: Position, type: EventType | None, count: int
    ) -> list["Event"]:
        """Return the first ``count`` events between two positions, in order, with their data."""
        events = self.after(after).in_order() if type is None else self._of_type(type.value, after)
        # Chosen in a query of its own, which PostgreSQL reads in the order of the index. With the
        # data it could also fetch all later events first.
        page = events.up_to(end).values("pk")[:count]
        return list(self.filter(pk__in=page).in_order().with_data())

    def _of_type(self, type: str, after: Position) -> Self:
        """Return the events of one type after a position, in order."""
        if self._is_numbered():
            # The transaction is always 0. It is named here for the index by type.
            return self.filter(type=type, transaction=0, number__gt=after.number).in_order()
        # A range in the order of the index, because with an equality PostgreSQL could also read
        # another index, and all events in it.
        columns = ("type", *PLACE)
        beyond = TupleGreaterThan(Tuple(*columns), (type, *after))
        return self.filter(beyond, type__gte=type, type__lte=type).order_by(*columns)

    def oldest_of_accounts(
        self,
        accounts: AccountQuerySet,
        after: Position,
        end: Position,
        type: EventType | None,
        count: int,
    ) -> list["Event"]:
        """
        Return like ``oldest_of_all``, but only the events of any of the accounts.

        The cost doesn't depend on the number of events of other accounts: it reads one event for
        each account, and ``count`` events for each of ``count`` accounts.
        """
        try:
            owners, parameters = accounts.values("id").query.sql_with_params()
        except EmptyResultSet:
            return []
        of_account = _oldest_of_one(connections[self.db].vendor, after, end, type)
        sides, filled = [], [*parameters]
        for column, index in INDEXES.items():
            # Only the ``count`` accounts with the oldest events can have one of the oldest.
            first, of_first = of_account(column, index, 1)
            part, of_part = of_account(column, index, count)
            filled += of_first + of_part
            sides.append(
                f'SELECT place."transaction", place.number FROM (SELECT owner.id FROM owner {first}'
                f' ORDER BY place."transaction", place.number LIMIT {count}) AS owner {part}'
            )
        # Materialized, so that the planner optimizes the search for the events on its own.
        sql = f"WITH owner AS MATERIALIZED ({owners}) {' UNION '.join(sides)}"
        with connections[self.db].cursor() as cursor:
            cursor.execute(f"{sql} ORDER BY 1, 2 LIMIT {count}", filled)
            numbers = [number for _, number in cursor.fetchall()]
        return list(self.filter(pk__in=numbers).in_order().with_data()) if numbers else []


INDEXES = {"account_id": "event_by_account", "other_account_id": "event_by_other_account"}


def _oldest_of_one(vendor: str, after: Position, end: Position, type: EventType | None) -> Any:
    """Return a function that makes the SQL of the oldest events of ``owner``, joined to it."""
    of_type = "" if type is None else " WHERE type = %s"
    types = [] if type is None else [type.value]

    def on_postgresql(column: str, index: str, count: int) -> tuple[str, list[Any]]:
        # A range in the order of the index, because with an equality PostgreSQL could also read
        # another index. The inner LIMIT keeps it from using one for the type.
        order = f"{column}, transaction, number"
        history = (
            f"SELECT {order}, type FROM events_event WHERE ({order}) > (owner.id, %s, %s)"
            f" AND {column} >= owner.id AND {column} <= owner.id"
            f" AND (transaction, number) <= (%s, %s) ORDER BY {order} LIMIT (SELECT {2**62})"
        )
        return (
            f"CROSS JOIN LATERAL (SELECT transaction, number"
            f" FROM ({history}) AS history{of_type} ORDER BY {order} LIMIT {count}) AS place",
            [*after, *end, *types],
        )

    def on_sqlite(column: str, index: str, count: int) -> tuple[str, list[Any]]:
        # SQLite has no LATERAL. With CROSS JOIN it reads the owners first, then the rows by key.
        numbers = (
            f"SELECT number FROM events_event INDEXED BY {index} WHERE {column} = owner.id"
            f" AND {column} IS NOT NULL AND number > %s AND number <= %s"
            f'{of_type.replace("WHERE", "AND")} ORDER BY "transaction", number LIMIT {count}'
        )
        return (
            f"CROSS JOIN events_event AS place ON place.number IN ({numbers})",
            [after.number, end.number, *types],
        )

    return on_sqlite if vendor == "sqlite" else on_postgresql
