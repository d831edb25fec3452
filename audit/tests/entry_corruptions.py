"""Ways to break the chain of an account's entries, with what the audit then finds."""

from uuid import uuid4

from django.db.models import F
from uuid_utils.compat import uuid7

from accounts.enums import MONEY_MAX
from accounts.models import Account
from audit.tests.tampering import (
    DAY,
    OUT_OF_BALANCE,
    account,
    corruption,
    entry,
    entry_of,
    outside,
)
from transfers import services
from transfers.services import Order
from transfers.tests.rich_ledger import RichLedger


def leave_a_gap(book: RichLedger) -> None:
    entry(entry_of(book.payee, -1), sequence=F("sequence") + 1)
    account(book.payee, version=F("version") + 1)


def date_ahead(row: Account) -> None:
    """Date the last entry of an account and the account itself ahead, as if it were all."""
    last = entry_of(row, -1)
    entry(last, ts=last.ts + DAY)
    account(row, last_posted_at=last.ts + DAY)


def owe_in_between(book: RichLedger) -> None:
    """Let money that wasn't there yet be spent, and come in afterwards."""
    user = book.payer.owner
    broke = Account.objects.create(
        owner=user, owner_name="broke", currency="USD", overdraft_limit=5
    )
    for source, dest in (broke, book.payer), (book.payer, broke):
        order = Order(source_id=source.pk, dest_id=dest.pk, amount=5)
        services.transfer(order=order, actor=user)
    account(broke, overdraft_limit=0)


ENTRY_CORRUPTIONS = [
    corruption(
        "an entry of an id without a time",
        lambda book: entry(outside(book), id=uuid4()),
        "entry_id_is_of_its_time",
    ),
    corruption(
        "an overdraft that was never granted",
        owe_in_between,
        "entry_within_the_overdraft",
    ),
    corruption(
        "a last entry whose balance is off",
        lambda book: entry(entry_of(book.payee, -1), balance=F("balance") + 1),
        "account_balance_is_its_last_entrys",
        "entry_balance_follows",
    ),
    corruption(
        "an entry amid the chain whose balance is off",
        lambda book: entry(entry_of(book.payee, 2), balance=F("balance") + 1),
        entry_balance_follows=2,
    ),
    corruption(
        "a gap in the sequence",
        leave_a_gap,
        "account_version_counts_its_entries",
        "entry_sequence_has_no_gap",
    ),
    corruption(
        "a time that runs backwards",
        lambda book: entry(entry_of(book.payee, 0), ts=F("ts") + DAY),
        "entry_time_never_runs_backwards",
        entry_has_the_time_of_its_transfer=2,
    ),
    corruption(
        "an entry that is dated ahead",
        lambda book: date_ahead(book.payee),
        "entry_has_the_time_of_its_transfer",
    ),
    corruption(
        "an EXTERNAL's entry that is dated ahead",
        lambda book: entry(outside(book), ts=F("ts") + DAY),
        "entry_has_the_time_of_its_transfer",
    ),
    corruption(
        "a customer's entry without sequence and balance",
        lambda book: entry(entry_of(book.euros, 0), sequence=None, balance=None),
        "account_balance_is_its_last_entrys",
        "account_version_counts_its_entries",
        "account_last_posted_when_its_last_entry",
        "entry_keeps_balance_if_customers",
    ),
    corruption(
        "an EXTERNAL's entry with a sequence",
        lambda book: entry(outside(book), sequence=1),
        "entry_keeps_balance_if_customers",
    ),
    corruption(
        "an EXTERNAL's entry with a balance",
        lambda book: entry(outside(book), balance=-1_00),
        "entry_keeps_balance_if_customers",
    ),
    corruption(
        "an amount out of bounds",
        lambda book: entry(outside(book), amount=MONEY_MAX + 1),
        "entry_within_bounds",
        "leg_has_the_transfers_amount",
        **OUT_OF_BALANCE,
    ),
    corruption(
        "an entry on an account that doesn't exist",
        lambda book: entry(outside(book), account=uuid7()),
        "entry_has_its_account",
        "leg_is_on_its_account",
        **OUT_OF_BALANCE,
    ),
]
