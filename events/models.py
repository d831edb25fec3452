"""The event log. The database writes its rows, by triggers, and none is ever changed."""

from typing import Any

from django.db import models
from django.db.models import Q

from accounts.enums import CALENDAR
from accounts.models import Account
from events.order import Position
from events.querysets import EventQuerySet
from events.types import EventType
from transfers.models import Transfer

OF_ACCOUNTS = [each.value for each in EventType if each.concerns_account]

# Without a constraint in the database, which would cost more than the row itself. The triggers copy
# the ids from rows that can't be deleted.
REFERENCE: dict[str, Any] = {
    "on_delete": models.PROTECT,
    "related_name": "+",
    "db_index": False,
    "db_constraint": False,
}


class Event(models.Model):
    """
    Something that happened to an account, or a transfer that was posted.

    ``number`` and ``transaction`` give the place of the event in the log (see ``order``), and
    ``uuid`` is its id in the API. ``account`` is the customer's account that it is about: the
    source of a transfer, or the only customer's account. ``other_account`` is the destination if
    that is another customer's. ``snapshot`` holds the members of the account that can change, as
    they were; the data of a transfer is read from the transfer, which never changes.
    """

    number = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(editable=False)
    # The id of the transaction on PostgreSQL, plus the offset. 0 on SQLite.
    transaction = models.BigIntegerField()
    type = models.CharField(max_length=21, choices={each.value: each.value for each in EventType})
    transfer = models.ForeignKey(Transfer, null=True, **REFERENCE)
    account = models.ForeignKey(Account, **REFERENCE)
    other_account = models.ForeignKey(Account, null=True, **REFERENCE)
    snapshot = models.JSONField(null=True)
    created_at = models.DateTimeField()

    objects = EventQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["transaction", "number"], name="event_in_order"),
            models.Index(fields=["type", "transaction", "number"], name="event_by_type"),
            models.Index(fields=["account", "transaction", "number"], name="event_by_account"),
            models.Index(
                fields=["other_account", "transaction", "number"],
                condition=Q(other_account__isnull=False),
                name="event_by_other_account",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="event_type_known",
                condition=Q(type__in=[each.value for each in EventType]),
            ),
            models.CheckConstraint(
                name="event_has_a_transfer_or_a_snapshot",
                condition=Q(type__in=OF_ACCOUNTS, transfer__isnull=True, snapshot__isnull=False)
                | (~Q(type__in=OF_ACCOUNTS) & Q(transfer__isnull=False, snapshot__isnull=True)),
            ),
            models.CheckConstraint(
                name="event_created_at_within_calendar",
                condition=Q(created_at__range=CALENDAR),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.uuid}"

    @property
    def position(self) -> Position:
        """The place in the log."""
        return Position(self.transaction, self.number)


class TransactionOffset(models.Model):
    """
    What is added to the ids of PostgreSQL's transactions; the largest one counts.

    A row is added when a dump was restored into a cluster whose ids are lower than those in the
    log. Without a row nothing is added.
    """

    added = models.BigIntegerField()

    class Meta:
        default_permissions = ()
