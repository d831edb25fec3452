"""Queries for events."""

from typing import TYPE_CHECKING, Self

from django.db import connections, models
from django.db.models import F
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan

from events.order import Position, oldest_running

if TYPE_CHECKING:
    from events.models import Event  # noqa: F401 -- for the annotation of the base class


class EventQuerySet(models.QuerySet["Event"]):
    """Queries for events."""

    def visible(self) -> Self:
        """
        Return the events before which no other event can appear any more.

        All reading in the order of the log must start from this.
        """
        if connections[self.db].vendor == "sqlite":
            return self.all()
        return self.filter(transaction__lt=oldest_running())

    def in_order(self) -> Self:
        """Order the events as in the log, oldest first."""
        return self.order_by("transaction", "number")

    def after(self, position: Position) -> Self:
        """Return the events after ``position``, unordered."""
        return self.filter(TupleGreaterThan(Tuple(F("transaction"), F("number")), tuple(position)))

    def with_data(self) -> Self:
        """Fetch in the same query what ``bodies.body_of`` needs."""
        return self.select_related("transfer", "account")
