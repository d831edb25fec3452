"""Create transfers and holds through the services."""

from datetime import timedelta

from django.contrib.auth.models import User

from accounts.models import Account
from transfers import services
from transfers.models import Transfer
from transfers.services import Order


def transfer_order(
    source: Account, dest: Account, amount: int, *, actor: User, memo: str | None = None
) -> Transfer:
    """Move money from one account to another, and return the transfer."""
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=amount, memo=memo)
    return services.transfer(order=order, actor=actor)


def hold_order(
    source: Account,
    dest: Account,
    amount: int,
    *,
    actor: User,
    expires_in: timedelta = timedelta(days=7),
    memo: str | None = None,
) -> Transfer:
    """Hold money of one account for another, and return the hold."""
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=amount, memo=memo)
    return services.hold(order=order, expires_in=expires_in, actor=actor)


def expired_hold(source: Account, dest: Account, amount: int, *, actor: User) -> Transfer:
    """Return a hold that has expired."""
    return hold_order(source, dest, amount, actor=actor, expires_in=timedelta(microseconds=1))
