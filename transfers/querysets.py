"""QuerySets for transfers and entries."""

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Self, cast
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.db.models.functions import Coalesce

from accounts.enums import Explained
from accounts.models import Account
from accounts.querysets import AccountQuerySet
from accounts.rights import may
from database.composed import ComposedQuery, Placeholder, newest_of_each
from database.sums import sum_in_halves, whole
from transfers import clock
from transfers.kinds import RESERVING, Kind
from transfers.posting import EntryType

if TYPE_CHECKING:
    from transfers.models import LedgerEntry, Transfer

LAST_ID = UUID(int=2**128 - 1)


class TransferStatus(Explained):
    """The status of a transfer, which is derived from the history and never stored."""

    POSTED = "POSTED", "completed."
    REVERSED = "REVERSED", "completed, and later reversed by a REVERSAL."
    PENDING = "PENDING", "a hold that reserves its amount."
    CAPTURED = "CAPTURED", "a hold that was captured."
    VOIDED = "VOIDED", "a hold that was voided."
    EXPIRED = "EXPIRED", "a hold that expired; it can no longer be captured."


def _id_of(found: "models.QuerySet[Transfer]") -> Subquery:
    return Subquery(found.values("pk")[:1])


class TransferQuerySet(models.QuerySet["Transfer"]):
    """Queries about transfers."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the transfers whose source or destination ``user`` may see."""
        if may(user, "accounts.read_any"):
            return self
        own = Account.objects.visible_to(user).values("pk")
        return self.filter(Q(source__in=own) | Q(dest__in=own))

    def with_resolution(self) -> Self:
        """Fetch in the same query what ``Transfer.status`` needs, including the current time."""
        seen_at = clock.of_statement()
        return self.select_related("resolution", "reversal").annotate(seen_at=seen_at)

    def of_kind(self, kind: Kind) -> Self:
        """Return the transfers of ``kind``."""
        # A range of one value instead of an equality: see `newest_of_all`.
        return self.filter(kind__gte=kind.value, kind__lte=kind.value)

    def in_status(self, status: TransferStatus) -> Self:
        """Return the transfers that have this status now."""
        now = clock.of_statement()
        holds = self.of_kind(Kind.HOLD)
        moves = self.exclude(kind=Kind.HOLD.value)
        # Scalar subqueries run once per row. PostgreSQL may execute a join or an EXISTS by reading
        # all resolutions in the table first.
        # The index also contains the NULLs, before all other values.
        resolutions = self.model._default_manager.filter(hold=OuterRef("pk"), hold__isnull=False)
        capture = resolutions.filter(kind=Kind.CAPTURE.value)
        # A VOID at or after the expiry is how the ledger releases an expired hold.
        void = resolutions.filter(kind=Kind.VOID.value, created_at__lt=OuterRef("expires_at"))
        reversals = self.model._default_manager.filter(reverses=OuterRef("pk"))
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
        Return the newest ``count`` of these transfers, in all accounts, newest first.

        :param kind: the kind by which the queryset is filtered already, if any
        :param status: the status by which the queryset is filtered already, if any
        :param before: return only transfers with smaller ids
        """
        before = before or LAST_ID
        if status is TransferStatus.REVERSED:
            reversals = self.model._default_manager.filter(reverses__isnull=False)
            return self.filter(pk__in=reversals.values("reverses"), pk__lt=before).order_by("-pk")[
                :count
            ]
        if status not in (None, TransferStatus.POSTED):
            kind = Kind.HOLD
        if kind is None:
            return self.filter(pk__lt=before).order_by("-pk")[:count]
        # A range over the columns of the index. With an equality, PostgreSQL may read the primary
        # key in order instead and filter by kind, which is slow if the kind has become rare.
        older = TupleLessThan(Tuple("kind", "pk"), (kind.value, before))
        return self.of_kind(kind).filter(older).order_by("-kind", "-pk")[:count]

    def newest_of_accounts(
        self, accounts: AccountQuerySet, before: UUID | None, count: int
    ) -> Self:
        """
        Return the newest ``count`` of these transfers from or to any of the accounts, newest first.

        The cost doesn't depend on the number of transfers of other accounts.

        :param before: return only transfers with smaller ids
        """
        indexes = {"source_id": "transfer_by_source", "dest_id": "transfer_by_dest"}
        newest = newest_of_each(accounts, self, indexes, before or LAST_ID, count)
        # Fetch by id only: the filters of this queryset have been applied to each already.
        found = self.model._default_manager.filter(pk__in=newest)
        return cast(Self, found).with_resolution().order_by("-pk")

    def unresolved_holds(self) -> Self:
        """Return the holds without a CAPTURE or VOID, including expired ones."""
        resolution = self.model._default_manager.filter(hold=OuterRef("pk"))
        # `hold_sequence` is never null on a hold. The filter is for the partial index on it.
        return self.filter(~Exists(resolution), kind__in=RESERVING, hold_sequence__isnull=False)


# The members of a statement line. ``ref`` is the memo of the transfer, and ``counterparty_id`` is
# the other account of the transfer.
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
def _lines(model: "type[LedgerEntry]") -> "models.QuerySet[LedgerEntry, Any]":
    # Cached, because building this queryset takes a tenth of the time of a page.
    # A DEBIT belongs to the source, so its counterparty is the destination.
    is_debit = models.When(type=EntryType.DEBIT.value, then=F("transfer__dest_id"))
    lines = model.objects.annotate(
        ref=F("transfer__memo"),
        kind=F("transfer__kind"),
        counterparty_id=models.Case(is_debit, default=F("transfer__source_id")),
        currency=F("transfer__currency"),
    )
    return lines.values_list(*STATEMENT_LINE, named=True)


@cache
def _newest_lines(model: "type[LedgerEntry]", count: int) -> ComposedQuery[Any]:
    account, up_to = Placeholder(), Placeholder()
    lines = model.objects.statement_of(account, up_to).order_by("-sequence")
    return ComposedQuery(lines[:count], [account, up_to])


class LedgerEntryQuerySet(models.QuerySet["LedgerEntry"]):
    """Queries about entries."""

    def statement_of(
        self, account_id: UUID | Placeholder, up_to: int | Placeholder
    ) -> "models.QuerySet[LedgerEntry, Any]":
        """
        Return the lines of an account's statement up to a ``sequence``, unordered.

        The lines are named tuples with the members of ``STATEMENT_LINE``. Building a model instance
        for each entry and transfer took longer than everything else in a page.
        """
        return _lines(self.model).filter(account_id=account_id, sequence__lte=up_to)

    def in_time(self, account_id: UUID, since: datetime | None, until: datetime | None) -> Self:
        """
        Return an account's entries from ``since`` to just before ``until`` (UTC).

        They are found by their sequences, in the order of which they are read. With a condition on
        the time, PostgreSQL may read and sort all entries of the range for each page of it.
        """
        entries = self
        if since is not None:
            entries = entries.filter(sequence__gt=self._sequence_before(account_id, since))
        if until is not None:
            entries = entries.filter(sequence__lte=self._sequence_before(account_id, until))
        return entries

    def _sequence_before(self, account_id: UUID, instant: datetime) -> Coalesce:
        # An account's entries have the same order by time as by sequence (see `posting`).
        before = self.model.objects.filter(account_id=account_id, ts__lt=instant)
        last = before.order_by("-ts", "-sequence").values("sequence")[:1]
        return Coalesce(Subquery(last), 0)

    def newest_lines(self, account_id: UUID, up_to: int, count: int) -> list[Any]:
        """Return the newest ``count`` lines of an account's statement up to a ``sequence``."""
        return _newest_lines(self.model, count)(account_id, up_to)

    def imbalance(self) -> dict[str, int]:
        """
        Return the sum of credits minus debits by currency, in minor units.

        Each is 0 unless the ledger is corrupt.
        """
        credit = models.Case(models.When(type=EntryType.CREDIT.value, then=1), default=-1)
        totals = self.values("account__currency").annotate(**sum_in_halves(credit * F("amount")))
        return {each["account__currency"]: whole(each["high"], each["low"]) for each in totals}

    def balance_before(self, account_id: UUID, instant: datetime) -> int:
        """Return an account's balance just before ``instant`` (UTC), in minor units."""
        last = self._last(account_id, ts__lt=instant)
        return 0 if last is None else last.balance or 0

    def as_of(self, account_id: UUID, instant: datetime) -> tuple[int, int]:
        """
        Return an account's balance, in minor units, and its sequence at ``instant`` (UTC).

        Entries posted exactly at ``instant`` are included.
        """
        last = self._last(account_id, ts__lte=instant)
        return (0, 0) if last is None else (last.balance or 0, last.sequence or 0)

    def _last(self, account_id: UUID, **until: datetime) -> "LedgerEntry | None":
        # An account's entries have the same order by time as by sequence (see `posting`).
        return self.filter(account_id=account_id, **until).order_by("-ts", "-sequence").first()
