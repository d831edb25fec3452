"""What has happened: transfers and their entries. Inserted once, never edited, never deleted."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Self, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from uuid_utils.compat import uuid7

from accounts.composed import ComposedQuery, newest_of_each
from accounts.enums import CALENDAR, MONEY_MAX
from accounts.models import Account, AccountQuerySet
from accounts.money import money
from accounts.rights import may
from accounts.sums import sum_in_halves, whole
from transfers import clock
from transfers.posting import EntryType, Kind

LAST_ID = UUID(int=2**128 - 1)


class TransferStatus(StrEnum):
    """Where a transfer stands. Derived from the history, never stored."""

    POSTED = "POSTED"
    REVERSED = "REVERSED"
    PENDING = "PENDING"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"


def _id_of(found: "TransferQuerySet") -> Subquery:
    return Subquery(found.values("pk")[:1])


class TransferQuerySet(models.QuerySet["Transfer"]):
    """Questions about transfers."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the transfers that touch an account which ``user`` may see."""
        if may(user, "accounts.read_any"):
            return self
        own = Account.objects.visible_to(user).values("pk")
        return self.filter(Q(source__in=own) | Q(dest__in=own))

    def with_resolution(self) -> Self:
        """Fetch what a transfer's status depends on in the same query, its time included."""
        seen_at = clock.of_statement()
        return self.select_related("resolution", "reversal").annotate(seen_at=seen_at)

    def of_kind(self, kind: Kind) -> Self:
        """Return the transfers of ``kind``."""
        # A range of one value: see `newest_of_kind`.
        return self.filter(kind__gte=kind.value, kind__lte=kind.value)

    def in_status(self, status: TransferStatus) -> Self:
        """Return the transfers whose derived status is ``status`` now."""
        now = clock.of_statement()
        holds = self.of_kind(Kind.HOLD)
        moves = self.exclude(kind=Kind.HOLD.value)
        # Scalar subqueries are asked of one row at a time. PostgreSQL may turn a join or an EXISTS
        # into reading every resolution of the ledger first.
        # NULLs are in the index too, before all others.
        resolutions = Transfer.objects.filter(hold=OuterRef("pk"), hold__isnull=False)
        capture = resolutions.filter(kind=Kind.CAPTURE.value)
        # A VOID that came at or after the expiry is how the ledger released it.
        void = resolutions.filter(kind=Kind.VOID.value, created_at__lt=OuterRef("expires_at"))
        reversals = Transfer.objects.filter(reverses=OuterRef("pk"))
        holds = holds.alias(capture=_id_of(capture), void=_id_of(void))
        moves = moves.alias(undone_by=_id_of(reversals))
        open_or_released = holds.filter(capture__isnull=True, void__isnull=True)
        return {
            TransferStatus.POSTED: moves.filter(undone_by__isnull=True),
            TransferStatus.REVERSED: moves.filter(undone_by__isnull=False),
            TransferStatus.PENDING: open_or_released.filter(expires_at__gt=now),
            TransferStatus.EXPIRED: open_or_released.filter(expires_at__lte=now),
            TransferStatus.CAPTURED: holds.filter(capture__isnull=False),
            TransferStatus.VOIDED: holds.filter(void__isnull=False),
        }[status]

    def newest_of_all(
        self, kind: Kind | None, status: TransferStatus | None, before: UUID | None, count: int
    ) -> Self:
        """
        Return up to ``count`` of these, newest first, whoever has them.

        :param kind: what they are narrowed to already, and so is ``status``
        :param before: an id that all of them are older than
        """
        before = before or LAST_ID
        if status is TransferStatus.REVERSED:
            reversals = Transfer.objects.filter(reverses__isnull=False)
            return self.filter(pk__in=reversals.values("reverses"), pk__lt=before).order_by("-pk")[
                :count
            ]
        if status not in (None, TransferStatus.POSTED):
            kind = Kind.HOLD
        if kind is None:
            return self.filter(pk__lt=before).order_by("-pk")[:count]
        # A range in the order of the index: by an equality PostgreSQL could also read in the order
        # of the id alone, which it prefers where it takes the kind for common in all times.
        older = TupleLessThan(Tuple("kind", "pk"), (kind.value, before))
        return self.of_kind(kind).filter(older).order_by("-kind", "-pk")[:count]

    def newest_touching(self, accounts: AccountQuerySet, before: UUID | None, count: int) -> Self:
        """
        Return up to ``count`` of these with one of the accounts as source or dest, newest first.

        Found by index, whoever else has transfers and however many. ``before`` is an id that all of
        them are older than.
        """
        indexes = {"source_id": "transfer_by_source", "dest_id": "transfer_by_dest"}
        newest = newest_of_each(accounts, self, indexes, before or LAST_ID, count)
        # By their ids alone: what narrows these was asked of each already.
        found = self.model._default_manager.filter(pk__in=newest)
        return cast(Self, found).with_resolution().order_by("-pk")

    def unresolved_holds(self) -> Self:
        """Return the holds without a CAPTURE or VOID, expired or not."""
        resolution = Transfer.objects.filter(hold=OuterRef("pk"))
        return self.filter(~Exists(resolution), kind=Kind.HOLD.value)


class Transfer(models.Model):
    """
    One movement of money, or one reservation of it. ``amount`` is in minor units, always positive.

    ``hold`` is what a CAPTURE or VOID resolves, and ``reverses`` what a REVERSAL undoes. Both are
    one-to-one: the database itself resolves a hold once and reverses a transfer once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(
        max_length=10, choices={kind.value: kind.value.title() for kind in Kind}
    )
    source = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    dest = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    memo = models.CharField(max_length=140, null=True, blank=True)  # noqa: DJ001 -- absent is null
    metadata = models.JSONField(default=dict, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    hold = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="resolution"
    )
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reversal"
    )
    # Null where the ledger itself released an expired hold.
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    created_at = models.DateTimeField()

    # As of when its resolution is known, by the database's clock (UTC).
    seen_at: datetime

    objects = TransferQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [
            ("move_any", "Can transfer and hold the money of any account, and resolve any hold"),
            ("move_cash", "Can deposit to and withdraw from any customer's account"),
            ("reverse_any", "Can reverse any transfer, of a frozen account too"),
            # Nothing asks for these yet; those who are to have them can be chosen already.
            ("close_books", "Can close the books of a period"),
            ("approve", "Can approve what somebody else has asked for"),
        ]
        indexes = [
            models.Index(fields=["source", "id"], name="transfer_by_source"),
            models.Index(fields=["dest", "id"], name="transfer_by_dest"),
            # What is held is a sum over these, which the guards check.
            models.Index(
                fields=["source"],
                condition=Q(kind=Kind.HOLD.value),
                name="transfer_holds_by_source",
            ),
            models.Index(fields=["kind", "id"], name="transfer_by_kind"),
            # Few holds are pending, and all of them expire in days to come.
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False),
                name="transfer_holds_by_expiry",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="transfer_amount_within_bounds", condition=Q(amount__range=(1, MONEY_MAX))
            ),
            models.CheckConstraint(name="transfer_accounts_differ", condition=~Q(source=F("dest"))),
            models.CheckConstraint(
                name="transfer_kind_known", condition=Q(kind__in=[kind.value for kind in Kind])
            ),
            models.CheckConstraint(
                name="transfer_expires_only_if_hold",
                condition=Q(kind=Kind.HOLD.value, expires_at__isnull=False)
                | (~Q(kind=Kind.HOLD.value) & Q(expires_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="transfer_resolves_only_if_capture_or_void",
                condition=Q(kind__in=[Kind.CAPTURE.value, Kind.VOID.value], hold__isnull=False)
                | (~Q(kind__in=[Kind.CAPTURE.value, Kind.VOID.value]) & Q(hold__isnull=True)),
            ),
            models.CheckConstraint(
                name="transfer_reverses_only_if_reversal",
                condition=Q(kind=Kind.REVERSAL.value, reverses__isnull=False)
                | (~Q(kind=Kind.REVERSAL.value) & Q(reverses__isnull=True)),
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

    def remember_as_new(self, accounts: Mapping[UUID, Account]) -> None:
        """Fill in what is known of a transfer just written, so that no query asks for it."""
        self.seen_at = self.created_at
        for relation in ("resolution", "reversal"):
            getattr(Transfer, relation).related.set_cached_value(self, None)
        for party in ("source", "dest"):
            account = accounts.get(getattr(self, f"{party}_id"))
            if account is not None:
                getattr(Transfer, party).field.set_cached_value(self, account)

    @property
    def status(self) -> TransferStatus:
        """The derived status, as of when the transfer was posted or read ``with_resolution``."""
        return self.status_at(self.seen_at)

    def status_at(self, now: datetime) -> TransferStatus:
        """
        Derive the status at ``now`` (UTC).

        A hold is EXPIRED from ``expires_at`` on unless it was resolved before; the VOID that
        releases it later doesn't change that. Fetch ``with_resolution()`` first.
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


# What a statement shows of an entry. ``ref`` is its transfer's memo, and ``counterparty_id`` the
# transfer's other account.
STATEMENT_LINE = (
    "id",
    "ts",
    "account_id",
    "transfer_id",
    "type",
    "amount",
    "balance",
    "sequence",
    "ref",
    "kind",
    "counterparty_id",
    "currency",
)


@cache
def _lines() -> "models.QuerySet[LedgerEntry, Any]":
    # Once, because naming the columns takes a tenth of a page.
    # A DEBIT is the entry of the source, so its counterparty is the dest.
    is_debit = models.When(type=EntryType.DEBIT.value, then=F("transfer__dest_id"))
    lines = LedgerEntry.objects.annotate(
        ref=F("transfer__memo"),
        kind=F("transfer__kind"),
        counterparty_id=models.Case(is_debit, default=F("transfer__source_id")),
        currency=F("transfer__currency"),
    )
    return lines.values_list(*STATEMENT_LINE, named=True)


@cache
def _newest_lines(count: int) -> ComposedQuery[Any]:
    account, up_to = UUID(int=0), -1
    lines = LedgerEntry.objects.statement_of(account, up_to).order_by("-sequence")
    return ComposedQuery(lines[:count], [account, up_to])


class LedgerEntryQuerySet(models.QuerySet["LedgerEntry"]):
    """Questions about entries."""

    def statement_of(self, account_id: UUID, up_to: int) -> "models.QuerySet[LedgerEntry, Any]":
        """
        Return the lines of an account's statement up to a ``sequence``, by which to order them.

        They are named tuples of ``STATEMENT_LINE``: building an object for each entry and each
        transfer took longer than everything else in a page.
        """
        return _lines().filter(account_id=account_id, sequence__lte=up_to)

    def newest_lines(self, account_id: UUID, up_to: int, count: int) -> list[Any]:
        """Return so many lines of an account's statement, from a ``sequence`` downwards."""
        return _newest_lines(count)(account_id, up_to)

    def imbalance(self) -> dict[str, int]:
        """Return credits less debits by currency, in minor units: 0 unless a book is broken."""
        credit = models.Case(models.When(type=EntryType.CREDIT.value, then=1), default=-1)
        totals = self.values("account__currency").annotate(**sum_in_halves(credit * F("amount")))
        return {each["account__currency"]: whole(each["high"], each["low"]) for each in totals}

    def balance_before(self, account_id: UUID, instant: datetime) -> int:
        """Return an account's balance as it stood just before ``instant``, in minor units."""
        last = self._last(account_id, ts__lt=instant)
        return 0 if last is None else last.balance or 0

    def as_of(self, account_id: UUID, instant: datetime) -> tuple[int, int]:
        """Return an account's balance and sequence at ``instant``, that moment included."""
        last = self._last(account_id, ts__lte=instant)
        return (0, 0) if last is None else (last.balance or 0, last.sequence or 0)

    def _last(self, account_id: UUID, **until: datetime) -> "LedgerEntry | None":
        # Within an account time never runs backwards, so that both orders are the same one.
        return self.filter(account_id=account_id, **until).order_by("-ts", "-sequence").first()


class LedgerEntry(models.Model):
    """
    One side of a transfer, in one account, with the balance after it. Amounts in minor units.

    ``sequence`` counts an account's entries without a gap, in the order of their commits. On an
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


class Verdict(models.Model):
    """The last report of ``manage.py verify_ledger``, as on the wire. There is one at most."""

    report = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Verdict of {self.report['checked_at']}"
