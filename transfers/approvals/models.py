"""The table of requests that need a second person."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from accounts.enums import CALENDAR, MONEY_MAX
from accounts.models import LONGEST_REASON, Account, AccountChange
from accounts.money import money
from accounts.rights import may
from transfers.approvals.statuses import ApprovalKind, ApprovalStatus
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.movements import Order

LIMIT, PENDING = ApprovalKind.OVERDRAFT_LIMIT.value, ApprovalStatus.PENDING.value
APPROVED, WITHDRAWN = ApprovalStatus.APPROVED.value, ApprovalStatus.WITHDRAWN.value


class ApprovalQuerySet(models.QuerySet["Approval"]):
    """Find the approvals that a user may see."""

    def visible_to(self, user: User) -> Self:
        """Return what the user has asked for; everything with ``accounts.read_any``."""
        return self if may(user, "accounts.read_any") else self.filter(requested_by=user)


class Approval(models.Model):
    """
    A request that needs a second person, and its outcome. Rows are never deleted.

    What was asked for never changes: a transfer of ``amount`` (minor units) from ``source`` to
    ``dest``, which ``reverses`` another one if it is a REVERSAL, or an overdraft limit of
    ``amount`` for ``account``. ``memo`` is the memo of the transfer, or the reason for the limit.
    ``expires_in`` is in seconds, for a HOLD.

    A decision doesn't change either. ``decided_by`` is another person than ``requested_by``, except
    if they have withdrawn the request. What was approved was carried out in the same transaction:
    ``transfer`` is the result, or ``change`` if it was a limit.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(
        max_length=15,
        choices={each.value: each.value.capitalize().replace("_", " ") for each in ApprovalKind},
    )
    account = models.ForeignKey(
        Account, models.PROTECT, null=True, related_name="+", db_index=False
    )
    source = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", db_index=False)
    dest = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", db_index=False)
    reverses = models.ForeignKey(
        Transfer, models.PROTECT, null=True, related_name="+", db_index=False
    )
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    memo = models.CharField(max_length=LONGEST_REASON, null=True)  # noqa: DJ001 -- absent is null
    metadata = models.JSONField(default=dict)
    expires_in = models.IntegerField(null=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()

    status = models.CharField(
        max_length=9,
        choices={each.value: each.value.title() for each in ApprovalStatus},
        default=PENDING,
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=LONGEST_REASON, blank=True, default="")
    transfer = models.OneToOneField(Transfer, models.PROTECT, null=True, related_name="approval")
    change = models.ForeignKey(
        AccountChange, models.PROTECT, null=True, related_name="+", db_index=False
    )

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["status", "id"], name="approval_by_status")]
        constraints = [
            models.CheckConstraint(
                name="approval_kind_known",
                condition=Q(kind__in=[each.value for each in ApprovalKind]),
            ),
            models.CheckConstraint(
                name="approval_status_known",
                condition=Q(status__in=[each.value for each in ApprovalStatus]),
            ),
            models.CheckConstraint(
                name="approval_amount_within_bounds", condition=Q(amount__range=(1, MONEY_MAX))
            ),
            models.CheckConstraint(
                name="approval_has_what_its_kind_needs",
                condition=Q(
                    kind=LIMIT,
                    account__isnull=False,
                    source__isnull=True,
                    dest__isnull=True,
                    reverses__isnull=True,
                )
                | (
                    ~Q(kind=LIMIT)
                    & Q(account__isnull=True, source__isnull=False, dest__isnull=False)
                    & (
                        Q(kind=Kind.REVERSAL.value, reverses__isnull=False)
                        | (~Q(kind=Kind.REVERSAL.value) & Q(reverses__isnull=True))
                    )
                ),
            ),
            models.CheckConstraint(
                name="approval_expires_only_if_hold",
                condition=Q(kind=Kind.HOLD.value, expires_in__isnull=False, expires_in__gte=1)
                | (~Q(kind=Kind.HOLD.value) & Q(expires_in__isnull=True)),
            ),
            models.CheckConstraint(
                name="approval_by_two_people",
                condition=Q(decided_by__isnull=True)
                | Q(status=WITHDRAWN, decided_by=F("requested_by"))
                | (~Q(status=WITHDRAWN) & ~Q(decided_by=F("requested_by"))),
            ),
            models.CheckConstraint(
                name="approval_decision_is_complete",
                condition=Q(
                    status=PENDING, decided_by__isnull=True, decided_at__isnull=True, note=""
                )
                | (~Q(status=PENDING) & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="approval_has_its_result",
                condition=(~Q(status=APPROVED) & Q(transfer__isnull=True, change__isnull=True))
                | Q(status=APPROVED, kind=LIMIT, transfer__isnull=True, change__isnull=False)
                | (
                    Q(status=APPROVED, transfer__isnull=False, change__isnull=True) & ~Q(kind=LIMIT)
                ),
            ),
            models.CheckConstraint(
                name="approval_requested_at_within_calendar",
                condition=Q(requested_at__range=CALENDAR),
            ),
            models.CheckConstraint(
                name="approval_decided_at_within_calendar",
                condition=Q(decided_at__isnull=True) | Q(decided_at__range=CALENDAR),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {money(self.amount, self.currency)} {self.id}"

    @property
    def order(self) -> Order:
        """The order for a DEPOSIT, WITHDRAWAL, TRANSFER or HOLD, exactly as it was asked for."""
        kind = Kind(self.kind)
        return Order(
            kind=kind,
            source_id=None if kind == Kind.DEPOSIT else self.source_id,
            dest_id=None if kind == Kind.WITHDRAWAL else self.dest_id,
            amount=self.amount,
            memo=self.memo,
            metadata=self.metadata,
            expires_in=None if self.expires_in is None else timedelta(seconds=self.expires_in),
        )
