"""Ways to break a transfer, its legs and what it resolves, with what the audit then finds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import F
from uuid_utils.compat import uuid7

from audit.tests.tampering import (
    DAY,
    DOLLARS,
    EUROS,
    NOT_STRINGS,
    OUT_OF_BALANCE,
    corruption,
    delete,
    entry,
    held_of,
    outside,
    transfer,
)
from transfers.kinds import Kind
from transfers.models import LONGEST_HOLD, LedgerEntry, Transfer
from transfers.posting import EntryType
from transfers.tests.rich_ledger import RichLedger


def empty_a_hold(book: RichLedger) -> None:
    held_of(book.void, amount=0)
    transfer(book.void, amount=0)


def write_legs_for_a_hold(book: RichLedger) -> None:
    for side in EntryType:
        LedgerEntry.objects.create(
            ts=book.pending.created_at,
            account_id=DOLLARS,
            transfer=book.pending,
            type=side,
            amount=book.pending.amount,
        )


def write_no_legs(book: RichLedger) -> None:
    copy = Transfer.objects.get(pk=book.transfer.pk)
    copy.pk = uuid7()
    copy.save(force_insert=True)


TRANSFER_CORRUPTIONS = [
    corruption(
        "entries of a transfer that doesn't exist",
        lambda book: delete(Transfer, pk=book.transfer.pk),
        entry_has_its_transfer=2,
    ),
    corruption(
        "a credit that is missing",
        lambda book: delete(LedgerEntry, pk=outside(book).pk),
        "transfer_has_both_legs",
        **OUT_OF_BALANCE,
    ),
    corruption("a transfer without entries", write_no_legs, "transfer_has_both_legs"),
    corruption(
        "a hold with entries",
        write_legs_for_a_hold,
        "transfer_has_no_legs_if_hold",
        leg_is_on_its_account=2,
    ),
    corruption(
        "a leg of another amount",
        lambda book: entry(outside(book), amount=F("amount") + 1),
        "leg_has_the_transfers_amount",
        **OUT_OF_BALANCE,
    ),
    corruption(
        "a leg on another account",
        lambda book: transfer(book.transfer, dest=book.third),
        "leg_is_on_its_account",
    ),
    corruption(
        "an entry of another currency",
        lambda book: entry(outside(book), account=EUROS),
        "leg_is_on_its_account",
        currency_debits_equal_credits=2,
        currency_sums_to_zero=2,
    ),
    corruption(
        "a leg older than its transfer",
        lambda book: entry(outside(book), ts=F("ts") - DAY),
        "leg_is_no_older_than_its_transfer",
        "entry_has_the_time_of_its_transfer",
    ),
    corruption(
        "a transfer that is dated back",
        lambda book: transfer(book.pending, created_at=F("created_at") - DAY),
        "transfer_id_is_of_its_time",
    ),
    corruption(
        "a transfer that is put before all others",
        lambda book: transfer(book.pending, id=UUID(int=book.pending.pk.int + (1 << 108))),
        "transfer_id_is_of_its_time",
    ),
    corruption(
        "a transfer of an id without a time",
        lambda book: transfer(book.pending, id=uuid4()),
        "transfer_id_is_of_its_time",
    ),
    *(
        corruption(
            f"a transfer with {name} as metadata",
            lambda book, metadata=metadata: transfer(book.transfer, metadata=metadata),
            "transfer_metadata_is_strings",
        )
        for name, metadata in NOT_STRINGS.items()
    ),
    corruption("a hold of nothing", empty_a_hold, transfer_within_bounds=2),
    corruption(
        "a transfer that expires",
        lambda book: transfer(book.transfer, expires_at=book.transfer.created_at),
        "transfer_columns_fit_its_kind",
    ),
    corruption(
        "a transfer that comes from outside",
        lambda book: transfer(book.deposit, kind=Kind.TRANSFER),
        "transfer_parties_fit_its_kind",
    ),
    corruption(
        "a transfer of another currency",
        lambda book: transfer(book.transfer, currency="EUR"),
        "transfer_has_one_currency",
    ),
    corruption(
        "a transfer by nobody",
        lambda book: transfer(book.transfer, created_by=None),
        "transfer_by_nobody_is_a_release",
    ),
    corruption(
        "a release before the expiry",
        lambda book: held_of(book.release, expires_at=F("expires_at") + 30 * DAY),
        "transfer_by_nobody_is_a_release",
    ),
    corruption(
        "a capture above its hold",
        lambda book: held_of(book.capture, amount=book.capture.amount - 1),
        "capture_fits_its_hold",
    ),
    corruption(
        "a capture with other parties",
        lambda book: held_of(book.capture, dest=book.third),
        "capture_fits_its_hold",
    ),
    corruption(
        "a capture of what is no hold",
        lambda book: transfer(book.capture, hold=book.transfer),
        "capture_fits_its_hold",
        "capture_came_before_expiry",
        "account_held_is_its_holds",
    ),
    corruption(
        "a capture of a hold that had expired",
        lambda book: held_of(book.capture, expires_at=F("created_at")),
        "capture_came_before_expiry",
        "hold_expires_after_it_was_made",
    ),
    corruption(
        "a hold that expired before it was made",
        lambda book: transfer(book.pending, expires_at=F("created_at") - DAY),
        "hold_expires_after_it_was_made",
    ),
    corruption(
        "a hold that lasts longer than any may",
        lambda book: transfer(
            book.pending, expires_at=book.pending.created_at + LONGEST_HOLD + timedelta(seconds=2)
        ),
        "hold_expires_in_time",
    ),
    corruption(
        "a hold that lasts for ever",
        lambda book: transfer(book.pending, expires_at=datetime.max.replace(tzinfo=UTC)),
        "hold_expires_in_time",
    ),
    corruption(
        "a void of another amount",
        lambda book: held_of(book.void, amount=F("amount") + 1),
        "void_fits_its_hold",
    ),
    corruption(
        "a void with other parties",
        lambda book: held_of(book.void, dest=book.third),
        "void_fits_its_hold",
    ),
    corruption(
        "a reversal of something else",
        lambda book: transfer(book.reversal, reverses=book.transfer),
        "reversal_mirrors_its_original",
    ),
    corruption(
        "a reversal of a reversal",
        lambda book: transfer(book.transfer, kind=Kind.REVERSAL, reverses=book.reversal),
        "reversal_mirrors_its_original",
    ),
]
