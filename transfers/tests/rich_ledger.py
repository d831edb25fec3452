"""A ledger with every kind of transfer, for the tests of the audit to corrupt."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Account
from transfers import clock, services
from transfers.models import LedgerEntry, Transfer
from transfers.posting import EntryType
from transfers.services import Order

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class RichLedger:
    """Three customers with dollars and one with euros, and the newest transfer of each kind."""

    payer: Account
    payee: Account
    third: Account
    euros: Account
    deposit: Transfer
    withdrawal: Transfer
    transfer: Transfer
    pending: Transfer
    capture: Transfer
    void: Transfer
    release: Transfer
    reversal: Transfer


def make_rich_ledger(open_account: Callable[..., Account], user: User, staff: User) -> RichLedger:
    """Post every kind of transfer, and return the ledger."""
    payer, payee = open_account(user, balance=100_00), open_account(user, balance=50_00)
    third = open_account(staff, balance=1_00)
    euros = open_account(user, balance=5_00, currency="EUR")

    def order(amount: int) -> Order:
        return Order(source_id=payer.pk, dest_id=payee.pk, amount=amount)

    def hold(amount: int, expires_in: timedelta = WEEK) -> Transfer:
        return services.hold(order=order(amount), expires_in=expires_in, actor=user)

    # The audit accepts clocks that differ by less than ten minutes.
    with clock.at(timezone.now() - timedelta(minutes=8)):
        services.hold(
            order=Order(source_id=third.pk, dest_id=payee.pk, amount=60),
            expires_in=timedelta(minutes=2),
            actor=staff,
        )
        expired = hold(4_00, timedelta(minutes=1))
    services.release_expired_holds(source_id=payer.pk)
    # Its funds don't suffice until the other expired hold is released.
    services.transfer(order=Order(source_id=third.pk, dest_id=payee.pk, amount=75), actor=staff)
    bounced = services.deposit(account_id=payee.pk, amount=3_00, actor=user)
    services.reverse(transfer_id=bounced.pk, actor=user, memo="bounced")
    services.reverse(
        transfer_id=services.withdraw(account_id=payer.pk, amount=9, actor=user).pk, actor=staff
    )
    services.post_batch(orders=[order(amount) for amount in (1, 2, 3)], actor=user)
    accounts.close(account_id=open_account(user).pk, actor=user)
    capture = services.capture(hold_id=hold(20_00).pk, amount=15_00, actor=user)
    void = services.void(hold_id=hold(8_00).pk, actor=user)
    returned = services.transfer(order=order(6_00), actor=user)
    return RichLedger(
        payer=payer,
        payee=payee,
        third=third,
        euros=euros,
        pending=hold(7_00),
        capture=capture,
        void=void,
        release=Transfer.objects.get(hold=expired),
        reversal=services.reverse(transfer_id=returned.pk, actor=user),
        deposit=services.deposit(account_id=payee.pk, amount=2_00, actor=user),
        withdrawal=services.withdraw(account_id=payee.pk, amount=1_00, actor=user),
        transfer=services.transfer(order=order(5_00), actor=user),
    )


def leg(transfer: Transfer, side: EntryType) -> LedgerEntry:
    return LedgerEntry.objects.get(transfer=transfer, type=side)
