"""Ways to corrupt a transfer, its legs or its original, and the findings that must follow."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import F
from uuid_utils.compat import uuid7

from audit.tests.tampering import (
    DAY,
    DOLLARS,
    EUROS,
    INVALID_METADATA,
    LARGE_METADATA,
    OUT_OF_BALANCE,
    corruption,
    delete_rows,
    external_entry,
    update_entry,
    update_hold_of,
    update_transfer,
)
from transfers.kinds import Kind
from transfers.models import LONGEST_HOLD, LedgerEntry, Transfer
from transfers.posting import EntryType
from transfers.tests.rich_ledger import RichLedger


def set_a_hold_to_zero(book: RichLedger) -> None:
    update_hold_of(book.void, amount=0)
    update_transfer(book.void, amount=0)


def write_legs_for_a_hold(book: RichLedger) -> None:
    for side in EntryType:
        LedgerEntry.objects.create(
            ts=book.pending.created_at,
            account_id=DOLLARS,
            transfer=book.pending,
            type=side,
            amount=book.pending.amount,
        )


def write_a_transfer_without_legs(book: RichLedger) -> None:
    copy = Transfer.objects.get(pk=book.transfer.pk)
    copy.pk = uuid7()
    copy.save(force_insert=True)


TRANSFER_CORRUPTIONS = [
    corruption(
        "entries of a transfer that doesn't exist",
        lambda book: delete_rows(Transfer, pk=book.transfer.pk),
        entry_has_its_transfer=2,
    ),
    corruption(
        "a missing credit",
        lambda book: delete_rows(LedgerEntry, pk=external_entry(book).pk),
        "transfer_has_both_legs",
        **OUT_OF_BALANCE,
    ),
    corruption(
        "a transfer without entries", write_a_transfer_without_legs, "transfer_has_both_legs"
    ),
    corruption(
        "a hold with entries",
        write_legs_for_a_hold,
        "transfer_has_no_legs_if_hold",
        leg_is_on_its_account=2,
    ),
    corruption(
        "a leg with another amount",
        lambda book: update_entry(external_entry(book), amount=F("amount") + 1),
        "leg_has_the_transfers_amount",
        **OUT_OF_BALANCE,
    ),
    corruption(
        "a leg on another account",
        lambda book: update_transfer(book.transfer, dest=book.third),
        "leg_is_on_its_account",
    ),
    corruption(
        "a leg in another currency",
        lambda book: update_entry(external_entry(book), account=EUROS),
        "leg_is_on_its_account",
        currency_debits_equal_credits=2,
        currency_sums_to_zero=2,
    ),
    corruption(
        "a leg dated before its transfer",
        lambda book: update_entry(external_entry(book), ts=F("ts") - DAY),
        "leg_is_no_older_than_its_transfer",
        "entry_has_the_time_of_its_transfer",
    ),
    corruption(
        "a backdated transfer",
        lambda book: update_transfer(book.pending, created_at=F("created_at") - DAY),
        "transfer_id_is_of_its_time",
        "transfer_is_no_older_than_its_accounts",
    ),
    corruption(
        "a void dated before its hold",
        lambda book: update_transfer(book.void, created_at=F("created_at") - DAY),
        "transfer_id_is_of_its_time",
        "transfer_is_no_older_than_its_accounts",
        "transfer_is_no_older_than_its_original",
    ),
    corruption(
        "a transfer whose id sorts after all others",
        lambda book: update_transfer(book.pending, id=UUID(int=book.pending.pk.int + (1 << 108))),
        "transfer_id_is_of_its_time",
    ),
    corruption(
        "a transfer whose id has no time",
        lambda book: update_transfer(book.pending, id=uuid4()),
        "transfer_id_is_of_its_time",
    ),
    *(
        corruption(
            f"a transfer with {name} as metadata",
            lambda book, metadata=metadata: update_transfer(book.transfer, metadata=metadata),
            "transfer_metadata_is_strings",
        )
        for name, metadata in INVALID_METADATA.items()
    ),
    *(
        corruption(
            f"a transfer whose metadata has {name}",
            lambda book, metadata=metadata: update_transfer(book.transfer, metadata=metadata),
            "transfer_metadata_within_limits",
        )
        for name, metadata in LARGE_METADATA.items()
    ),
    corruption("a hold of 0", set_a_hold_to_zero, transfer_within_bounds=2, hold_held_follows=2),
    corruption(
        "a transfer that expires",
        lambda book: update_transfer(book.transfer, expires_at=book.transfer.created_at),
        "transfer_columns_fit_its_kind",
    ),
    corruption(
        "a TRANSFER from an EXTERNAL account",
        lambda book: update_transfer(book.deposit, kind=Kind.TRANSFER),
        "transfer_parties_fit_its_kind",
    ),
    corruption(
        "a transfer in another currency than its accounts",
        lambda book: update_transfer(book.transfer, currency="EUR"),
        "transfer_has_one_currency",
    ),
    corruption(
        "a transfer without a user",
        lambda book: update_transfer(book.transfer, created_by=None),
        "transfer_by_nobody_is_a_release",
    ),
    corruption(
        "a VOID without a user before the hold expires",
        lambda book: update_hold_of(book.release, expires_at=F("expires_at") + 30 * DAY),
        "transfer_by_nobody_is_a_release",
    ),
    corruption(
        "a capture of more than the hold",
        lambda book: update_hold_of(book.capture, amount=book.capture.amount - 1),
        "capture_fits_its_hold",
        hold_held_follows=2,
    ),
    corruption(
        "a capture with another destination",
        lambda book: update_hold_of(book.capture, dest=book.third),
        "capture_fits_its_hold",
    ),
    corruption(
        "a capture of a transfer that isn't a hold",
        lambda book: update_transfer(book.capture, hold=book.transfer),
        "capture_fits_its_hold",
        "capture_came_before_expiry",
        "account_held_is_its_holds",
        "hold_held_follows",
    ),
    corruption(
        "a capture of an expired hold",
        lambda book: update_hold_of(book.capture, expires_at=F("created_at")),
        "capture_came_before_expiry",
        "hold_expires_after_it_was_made",
    ),
    corruption(
        "a hold that expired before it was created",
        lambda book: update_transfer(book.pending, expires_at=F("created_at") - DAY),
        "hold_expires_after_it_was_made",
    ),
    corruption(
        "a hold that lasts longer than the limit",
        lambda book: update_transfer(
            book.pending, expires_at=book.pending.created_at + LONGEST_HOLD + timedelta(seconds=2)
        ),
        "hold_expires_in_time",
    ),
    corruption(
        "a hold that never expires",
        lambda book: update_transfer(book.pending, expires_at=datetime.max.replace(tzinfo=UTC)),
        "hold_expires_in_time",
    ),
    corruption(
        "a void with another amount",
        lambda book: update_hold_of(book.void, amount=F("amount") + 1),
        "void_fits_its_hold",
        hold_held_follows=2,
    ),
    corruption(
        "a void with another destination",
        lambda book: update_hold_of(book.void, dest=book.third),
        "void_fits_its_hold",
    ),
    corruption(
        "a void after which too much is held",
        lambda book: update_transfer(book.void, held=F("held") + 1),
        hold_held_follows=2,
    ),
    corruption(
        "a last hold that agrees with neither the one before it nor the account",
        lambda book: update_transfer(book.pending, held=F("held") + 1),
        "hold_held_follows",
        "account_held_is_its_last_holds",
    ),
    corruption(
        "a gap in the hold sequence",
        lambda book: update_transfer(book.pending, hold_sequence=F("hold_sequence") + 1),
        "hold_sequence_has_no_gap",
        "account_held_is_its_last_holds",
    ),
    corruption(
        "a hold_sequence of 0",
        lambda book: update_transfer(book.pending, hold_sequence=0),
        "transfer_within_bounds",
        "account_held_is_its_last_holds",
        "hold_sequence_has_no_gap",
        "hold_held_follows",
    ),
    corruption(
        "a hold outside of its chain",
        lambda book: update_transfer(book.pending, held=None, hold_sequence=None),
        "transfer_columns_fit_its_kind",
        "account_held_is_its_holds",
        "account_held_is_its_last_holds",
    ),
    corruption(
        "a payment with a held amount",
        lambda book: update_transfer(book.transfer, held=0),
        "transfer_columns_fit_its_kind",
    ),
    corruption(
        "a payment in the chain of holds",
        lambda book: update_transfer(book.transfer, hold_sequence=1_000),
        "transfer_columns_fit_its_kind",
        "hold_sequence_has_no_gap",
        "account_held_is_its_last_holds",
    ),
    corruption(
        "a reversal of another transfer",
        lambda book: update_transfer(book.reversal, reverses=book.transfer),
        "reversal_mirrors_its_original",
    ),
    corruption(
        "a reversal of a reversal",
        lambda book: update_transfer(book.transfer, kind=Kind.REVERSAL, reverses=book.reversal),
        "reversal_mirrors_its_original",
    ),
]
