"""Ways to corrupt the entries of an account, and the findings that the audit must report."""

from uuid import uuid4

from django.db.models import F
from uuid_utils.compat import uuid7

from accounts.enums import MONEY_MAX
from accounts.models import Account
from audit.tests.tampering import (
    DAY,
    OUT_OF_BALANCE,
    corruption,
    entry_of,
    external_entry,
    update_account,
    update_entry,
)
from transfers import services
from transfers.services import Order
from transfers.tests.rich_ledger import RichLedger


def leave_a_gap(book: RichLedger) -> None:
    update_entry(entry_of(book.payee, -1), sequence=F("sequence") + 1)
    update_account(book.payee, version=F("version") + 1)


def postdate(row: Account) -> None:
    """Postdate the last entry of an account, with a last_posted_at that agrees."""
    last = entry_of(row, -1)
    update_entry(last, ts=last.ts + DAY)
    update_account(row, last_posted_at=last.ts + DAY)


def overdraw_temporarily(book: RichLedger) -> None:
    """Let an account spend money before it receives it, and remove its overdraft limit."""
    user = book.payer.owner
    broke = Account.objects.create(
        owner=user, owner_name="broke", currency="USD", overdraft_limit=5
    )
    for source, dest in (broke, book.payer), (book.payer, broke):
        order = Order(source_id=source.pk, dest_id=dest.pk, amount=5)
        services.transfer(order=order, actor=user)
    update_account(broke, overdraft_limit=0)


ENTRY_CORRUPTIONS = [
    corruption(
        "an entry whose id has no time",
        lambda book: update_entry(external_entry(book), id=uuid4()),
        "entry_id_is_of_its_time",
    ),
    corruption(
        "an overdraft that was never granted",
        overdraw_temporarily,
        "entry_within_the_overdraft",
    ),
    corruption(
        "a wrong balance in the last entry",
        lambda book: update_entry(entry_of(book.payee, -1), balance=F("balance") + 1),
        "account_balance_is_its_last_entrys",
        "entry_balance_follows",
    ),
    corruption(
        "a wrong balance in an entry before the last",
        lambda book: update_entry(entry_of(book.payee, 2), balance=F("balance") + 1),
        entry_balance_follows=2,
    ),
    corruption(
        "a gap in the sequence",
        leave_a_gap,
        "account_version_counts_its_entries",
        "entry_sequence_has_no_gap",
    ),
    corruption(
        "an entry dated after the next one",
        lambda book: update_entry(entry_of(book.payee, 0), ts=F("ts") + DAY),
        "entry_time_never_runs_backwards",
        entry_has_the_time_of_its_transfer=2,
    ),
    corruption(
        "a postdated entry",
        lambda book: postdate(book.payee),
        "entry_has_the_time_of_its_transfer",
    ),
    corruption(
        "a postdated entry of an EXTERNAL account",
        lambda book: update_entry(external_entry(book), ts=F("ts") + DAY),
        "entry_has_the_time_of_its_transfer",
    ),
    corruption(
        "a customer's entry without a sequence and a balance",
        lambda book: update_entry(entry_of(book.euros, 0), sequence=None, balance=None),
        "account_balance_is_its_last_entrys",
        "account_version_counts_its_entries",
        "account_last_posted_when_its_last_entry",
        "entry_keeps_balance_if_customers",
    ),
    corruption(
        "an entry of an EXTERNAL account with a sequence",
        lambda book: update_entry(external_entry(book), sequence=1),
        "entry_keeps_balance_if_customers",
    ),
    corruption(
        "an entry of an EXTERNAL account with a balance",
        lambda book: update_entry(external_entry(book), balance=-1_00),
        "entry_keeps_balance_if_customers",
    ),
    corruption(
        "an amount out of bounds",
        lambda book: update_entry(external_entry(book), amount=MONEY_MAX + 1),
        "entry_within_bounds",
        "leg_has_the_transfers_amount",
        **OUT_OF_BALANCE,
    ),
    corruption(
        "an entry in an account that doesn't exist",
        lambda book: update_entry(external_entry(book), account=uuid7()),
        "entry_has_its_account",
        "leg_is_on_its_account",
        **OUT_OF_BALANCE,
    ),
]
