"""Accounts, and the record of changes to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import connections, models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.enums import CALENDAR, MONEY_MAX, AccountKind, AccountStatus
from accounts.names import folded
from accounts.querysets import AccountQuerySet
from accounts.rights import may

# The owner name of an EXTERNAL account is this, followed by its currency.
EXTERNAL_NAME = "External"

LONGEST_NAME = 200
LONGEST_REASON = 200


def external_account_id(currency: str) -> UUID:
    """
    Return the id of the EXTERNAL account of ``currency`` (ISO 4217).

    The id is a UUIDv7 of the year 1970 that contains the letters of the currency code, so that a
    deposit doesn't need to look it up.
    """
    return UUID(f"00000000-0000-7000-8000-000000{currency.encode('ascii').hex()}")


class FoldedNameField(models.CharField):
    """The form of ``owner_name`` that comparisons use. It is computed whenever a row is saved."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        value = folded(model_instance.owner_name)  # type: ignore[attr-defined]
        setattr(model_instance, self.attname, value)
        return value


class Account(models.Model):
    """
    An account, which holds money in one currency. All amounts are in minor units.

    ``balance``, ``held``, ``version`` and ``hold_version`` follow from the account's history.
    ``version`` counts its entries, and ``hold_version`` counts the HOLDs, CAPTUREs and VOIDs of
    which it is the source. Only ``transfers`` changes them, under the account's lock. On an
    EXTERNAL account they stay 0, and its status stays OPEN.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="accounts"
    )
    owner_name = models.CharField(max_length=LONGEST_NAME)
    # Folding a character produces at most three. It isn't done by the database, where it would
    # depend on the collation.
    owner_name_folded = FoldedNameField(max_length=3 * LONGEST_NAME, editable=False)
    currency = models.CharField(max_length=3)
    kind = models.CharField(
        max_length=8,
        choices={kind.value: kind.value.title() for kind in AccountKind},
        default=AccountKind.CUSTOMER.value,
    )
    status = models.CharField(
        max_length=6,
        choices={status.value: status.value.title() for status in AccountStatus},
        default=AccountStatus.OPEN.value,
    )
    balance = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    overdraft_limit = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0)
    hold_version = models.BigIntegerField(default=0)
    last_posted_at = models.DateTimeField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    # When the account's lock was acquired, by the database's clock (UTC). This is the time of
    # everything done under the lock, so that times increase from one holder to the next.
    locked_at: datetime

    objects = AccountQuerySet.as_manager()

    class Meta:
        # Django's default permissions would include what nobody may do, such as deleting accounts.
        default_permissions = ()
        permissions = [
            ("read_any", "Can see every account and transfer"),
            ("describe_any", "Can rename any account and replace its metadata"),
            ("freeze", "Can freeze and unfreeze accounts"),
            ("set_limit", "Can set the overdraft limit of accounts"),
            ("close_any", "Can close any account"),
        ]
        indexes = [models.Index(fields=["owner_name_folded", "id"], name="account_by_name")]
        constraints = [
            models.CheckConstraint(
                name="account_never_overdrawn",
                condition=Q(kind=AccountKind.EXTERNAL.value)
                | Q(balance__gte=F("held") - F("overdraft_limit")),
            ),
            models.CheckConstraint(
                name="account_balance_within_bounds",
                condition=Q(balance__range=(-MONEY_MAX, MONEY_MAX)),
            ),
            models.CheckConstraint(
                name="account_held_within_bounds", condition=Q(held__range=(0, MONEY_MAX))
            ),
            models.CheckConstraint(
                name="account_overdraft_limit_within_bounds",
                condition=Q(overdraft_limit__range=(0, MONEY_MAX)),
            ),
            models.CheckConstraint(
                name="account_version_not_negative", condition=Q(version__gte=0)
            ),
            models.CheckConstraint(
                name="account_hold_version_not_negative", condition=Q(hold_version__gte=0)
            ),
            models.CheckConstraint(
                name="account_closed_is_empty",
                condition=~Q(status=AccountStatus.CLOSED.value) | Q(balance=0, held=0),
            ),
            models.CheckConstraint(
                name="account_kind_known", condition=Q(kind__in=[k.value for k in AccountKind])
            ),
            models.CheckConstraint(
                name="account_status_known",
                condition=Q(status__in=[s.value for s in AccountStatus]),
            ),
            models.CheckConstraint(
                name="account_external_has_no_owner",
                condition=Q(kind=AccountKind.EXTERNAL.value, owner__isnull=True)
                | (~Q(kind=AccountKind.EXTERNAL.value) & Q(owner__isnull=False)),
            ),
            models.CheckConstraint(
                name="account_external_keeps_no_balance",
                condition=Q(kind=AccountKind.CUSTOMER.value)
                | Q(balance=0, held=0, version=0, hold_version=0, overdraft_limit=0),
            ),
            # Deposits and withdrawals don't read the EXTERNAL account's status.
            models.CheckConstraint(
                name="account_external_stays_open",
                condition=Q(kind=AccountKind.CUSTOMER.value) | Q(status=AccountStatus.OPEN.value),
            ),
            models.CheckConstraint(
                name="account_created_at_within_calendar",
                condition=Q(created_at__range=CALENDAR),
            ),
            models.CheckConstraint(
                name="account_last_posted_at_within_calendar",
                condition=Q(last_posted_at__isnull=True) | Q(last_posted_at__range=CALENDAR),
            ),
            models.UniqueConstraint(
                fields=["currency"],
                condition=Q(kind=AccountKind.EXTERNAL.value),
                name="account_one_external_per_currency",
            ),
        ]

    def __str__(self) -> str:
        # The owner name of an EXTERNAL account already contains the currency.
        currency = "" if self.kind == AccountKind.EXTERNAL else f"{self.currency} "
        return f"{self.owner_name} {currency}{self.id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the account, and the folded name with the name."""
        fields = kwargs.get("update_fields")
        if fields is not None and "owner_name" in fields:
            kwargs["update_fields"] = {*fields, "owner_name_folded"}
        super().save(*args, **kwargs)

    @property
    def available(self) -> int:
        """What can be spent, in minor units: balance, minus holds, plus overdraft limit."""
        return self.balance - self.held + self.overdraft_limit

    def is_owned_by(self, user: User | AnonymousUser) -> bool:
        """Return whether ``user`` owns the account. An EXTERNAL account has no owner."""
        return self.owner_id is not None and self.owner_id == user.pk

    def is_visible_to(self, user: User | AnonymousUser) -> bool:
        """Return whether ``user`` may see the account, as ``AccountQuerySet.visible_to`` does."""
        if self.kind == AccountKind.EXTERNAL:
            return False
        return self.is_owned_by(user) or may(user, "accounts.read_any")


class AccountChange(models.Model):
    """A change to an account's status, limit or name. Rows are only inserted, never updated."""

    class Action(models.TextChoices):
        RENAME = "RENAME"
        FREEZE = "FREEZE"
        UNFREEZE = "UNFREEZE"
        CLOSE = "CLOSE"
        SET_OVERDRAFT_LIMIT = "SET_OVERDRAFT_LIMIT", "Set overdraft limit"

    account = models.ForeignKey(Account, models.PROTECT, related_name="changes")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    action = models.CharField(max_length=19, choices=Action.choices)
    before = models.CharField(max_length=LONGEST_NAME)
    after = models.CharField(max_length=LONGEST_NAME)
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="change_at_within_calendar", condition=Q(at__range=CALENDAR)
            ),
        ]

    def __str__(self) -> str:
        time = f"{self.at:%Y-%m-%d %H:%M:%S} UTC"
        return f"{self.get_action_display()}, account {self.account_id}, {time}"


def lacks_external_accounts() -> bool:
    """Return whether a currency of ``LEDGER_CURRENCIES`` lacks its EXTERNAL account."""
    wanted = {external_account_id(currency) for currency in settings.CURRENCIES}
    return Account.objects.filter(pk__in=wanted).count() < len(wanted)


def ensure_external_accounts(using: str = "default", **_signal: object) -> None:
    """Create the missing EXTERNAL accounts of the currencies in ``LEDGER_CURRENCIES``."""
    # `post_migrate` is also sent after a migration back to zero, which drops the table.
    if Account._meta.db_table not in connections[using].introspection.table_names():
        return
    Account.objects.using(using).bulk_create(
        [
            Account(
                id=external_account_id(currency),
                owner_name=f"{EXTERNAL_NAME} {currency}",
                currency=currency,
                kind=AccountKind.EXTERNAL,
            )
            for currency in settings.CURRENCIES
        ],
        ignore_conflicts=True,
    )
