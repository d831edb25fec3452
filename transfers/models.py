"""Transfers and their entries. Rows are inserted once, and never updated or deleted."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from accounts.enums import CALENDAR, MONEY_MAX
from accounts.models import Account
from accounts.money import money
from transfers.kinds import CHANGING_HELD, RELEASING, RESERVING, REVERSING, Kind
from transfers.posting import EntryType
from transfers.querysets import LedgerEntryQuerySet, TransferQuerySet, TransferStatus

LONGEST_MEMO = 140
LONGEST_HOLD = timedelta(days=31)


class Transfer(models.Model):
    """
    A movement or a reservation of money. ``amount`` is positive, in minor units.

    ``hold`` is the hold that a CAPTURE or VOID resolves, and ``reverses`` is the transfer that a
    REVERSAL reverses. Both are one-to-one, so that the database doesn't let a hold be resolved
    twice or a transfer be reversed twice.

    ``held`` is the held amount of the source after a HOLD, CAPTURE or VOID. ``hold_sequence``
    numbers these transfers of the source without gaps, in the order of their commits. Both are null
    on any other kind.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(
        max_length=10, choices={kind.value: kind.value.title() for kind in Kind}
    )
    source = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    dest = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    memo = models.CharField(  # noqa: DJ001 -- absent is null
        max_length=LONGEST_MEMO, null=True, blank=True
    )
    metadata = models.JSONField(default=dict, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    hold = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="resolution"
    )
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reversal"
    )
    held = models.BigIntegerField(null=True, blank=True)
    hold_sequence = models.BigIntegerField(null=True, blank=True)
    # Null if the ledger itself released an expired hold.
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    created_at = models.DateTimeField()

    # When the resolution and reversal were read, by the database's clock (UTC).
    seen_at: datetime

    objects = TransferQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [
            ("move_any", "Can transfer and hold the money of any account, and resolve any hold"),
            ("move_cash", "Can deposit to and withdraw from any customer's account"),
            ("reverse_any", "Can reverse any transfer, including those of frozen accounts"),
            # Nothing checks this yet, but it can already be assigned to users and groups.
            ("close_books", "Can close the books of a period"),
            ("approve", "Can approve the requests of other users"),
        ]
        indexes = [
            models.Index(fields=["source", "id"], name="transfer_by_source"),
            models.Index(fields=["dest", "id"], name="transfer_by_dest"),
            models.Index(fields=["kind", "id"], name="transfer_by_kind"),
            # For finding pending and expired holds. Few of all holds are pending.
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False),
                name="transfer_holds_by_expiry",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "hold_sequence"],
                condition=Q(hold_sequence__isnull=False),
                name="transfer_hold_sequence_once_per_source",
            ),
            models.CheckConstraint(
                name="transfer_held_only_if_it_changes",
                condition=Q(
                    kind__in=CHANGING_HELD, held__range=(0, MONEY_MAX), hold_sequence__gte=1
                )
                & Q(held__isnull=False, hold_sequence__isnull=False)
                | (~Q(kind__in=CHANGING_HELD) & Q(held__isnull=True, hold_sequence__isnull=True)),
            ),
            models.CheckConstraint(
                name="transfer_amount_within_bounds", condition=Q(amount__range=(1, MONEY_MAX))
            ),
            models.CheckConstraint(name="transfer_accounts_differ", condition=~Q(source=F("dest"))),
            models.CheckConstraint(
                name="transfer_kind_known", condition=Q(kind__in=[kind.value for kind in Kind])
            ),
            models.CheckConstraint(
                name="transfer_expires_only_if_hold",
                condition=Q(kind__in=RESERVING, expires_at__isnull=False)
                | (~Q(kind__in=RESERVING) & Q(expires_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="transfer_resolves_only_if_capture_or_void",
                condition=Q(kind__in=RELEASING, hold__isnull=False)
                | (~Q(kind__in=RELEASING) & Q(hold__isnull=True)),
            ),
            models.CheckConstraint(
                name="transfer_reverses_only_if_reversal",
                condition=Q(kind__in=REVERSING, reverses__isnull=False)
                | (~Q(kind__in=REVERSING) & Q(reverses__isnull=True)),
            ),
            models.CheckConstraint(
                name="transfer_created_at_within_calendar",
                condition=Q(created_at__range=CALENDAR),
            ),
            models.CheckConstraint(
                name="transfer_expires_at_within_calendar",
                condition=Q(expires_at__isnull=True) | Q(expires_at__range=CALENDAR),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {money(self.amount, self.currency)} {self.id}"

    def cache_relations(self, accounts: Mapping[UUID, Account]) -> None:
        """Cache the relations of a transfer that was just written, so that they need no queries."""
        self.seen_at = self.created_at
        for relation in ("resolution", "reversal"):
            getattr(Transfer, relation).related.set_cached_value(self, None)
        for party in ("source", "dest"):
            account = accounts.get(getattr(self, f"{party}_id"))
            if account is not None:
                getattr(Transfer, party).field.set_cached_value(self, account)

    @property
    def status(self) -> TransferStatus:
        """The status at the time when the transfer was posted or read ``with_resolution``."""
        return self.status_at(self.seen_at)

    def status_at(self, now: datetime) -> TransferStatus:
        """
        Derive the status at ``now`` (UTC). Requires a transfer fetched ``with_resolution()``.

        A hold is EXPIRED from ``expires_at`` on, unless it was resolved before. The VOID that
        releases it later doesn't change that.
        """
        if self.kind != Kind.HOLD:
            reversal = getattr(self, "reversal", None)
            return TransferStatus.POSTED if reversal is None else TransferStatus.REVERSED
        assert self.expires_at is not None
        resolution = getattr(self, "resolution", None)
        if resolution is not None and resolution.kind == Kind.CAPTURE:
            return TransferStatus.CAPTURED
        if resolution is not None and resolution.created_at < self.expires_at:
            return TransferStatus.VOIDED
        return TransferStatus.PENDING if now < self.expires_at else TransferStatus.EXPIRED


class LedgerEntry(models.Model):
    """
    One side of a transfer in one account, with the balance after it. Amounts are in minor units.

    ``sequence`` numbers an account's entries without gaps, in the order of their commits. On an
    EXTERNAL account, which keeps no running balance, ``balance`` and ``sequence`` are null.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ts = models.DateTimeField()
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", db_index=False)
    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="entries", db_index=False)
    type = models.CharField(
        max_length=6, choices={side.value: side.value.title() for side in EntryType}
    )
    amount = models.BigIntegerField()
    balance = models.BigIntegerField(null=True)
    sequence = models.BigIntegerField(null=True)

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        verbose_name_plural = "ledger entries"
        indexes = [models.Index(fields=["account", "ts"], name="entry_by_account_and_time")]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "sequence"], name="entry_sequence_once_per_account"
            ),
            models.UniqueConstraint(
                fields=["transfer", "type"], name="entry_one_debit_one_credit_per_transfer"
            ),
            models.CheckConstraint(
                name="entry_amount_within_bounds", condition=Q(amount__range=(1, MONEY_MAX))
            ),
            models.CheckConstraint(
                name="entry_balance_within_bounds",
                condition=Q(balance__isnull=True) | Q(balance__range=(-MONEY_MAX, MONEY_MAX)),
            ),
            models.CheckConstraint(
                name="entry_type_known", condition=Q(type__in=[side.value for side in EntryType])
            ),
            models.CheckConstraint(
                name="entry_sequence_from_one",
                condition=Q(sequence__isnull=True, balance__isnull=True)
                | Q(sequence__isnull=False, sequence__gte=1, balance__isnull=False),
            ),
            models.CheckConstraint(
                name="entry_ts_within_calendar", condition=Q(ts__range=CALENDAR)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} of transfer {self.transfer_id}"
