"""
The checks of transfers, of each entry as a leg of its transfer, and of the chains of holds.

The SQL deliberately repeats what ``transfers/kinds.py`` declares for each kind and reads nothing
from it, so that the audit can find an error there. When you add a kind, add it here too.
"""

from api.fields import METADATA_MAX_BYTES, METADATA_MAX_MEMBERS
from audit.scan import (
    Check,
    Scan,
    id_of_the_time,
    integers,
    not_before,
    strings,
    within_metadata_limits,
)
from transfers.models import LONGEST_HOLD, LONGEST_MEMO

LEGS = Scan(
    "legs",
    sums={},
    checks=(
        Check(
            "entry_has_its_transfer",
            "Every entry belongs to a transfer that exists",
            "kind IS NOT NULL",
            "transfer {transfer_id} doesn't exist",
        ),
        Check(
            "leg_has_the_transfers_amount",
            "Each entry of a transfer has the transfer's amount",
            "kind IS NULL OR amount = ordered",
            "{type} of {amount}, but transfer {transfer_id} has amount {ordered}",
        ),
        Check(
            "leg_is_on_its_account",
            "The DEBIT is on the source of the transfer, and the CREDIT on its destination",
            "kind IS NULL OR account_id = party",
            "the {type} of transfer {transfer_id} is on account {account_id} instead of {party}",
        ),
        Check(
            "leg_is_no_older_than_its_transfer",
            "No entry is dated before its transfer",
            "kind IS NULL OR ts >= created_at",
            "{ts}, but transfer {transfer_id} was created at {created_at}",
        ),
        Check(
            "entry_id_is_of_its_time",
            "The time in an entry's id matches the time of its transfer",
            id_of_the_time("created_at"),
            "transfer {transfer_id} was created at {created_at}",
        ),
    ),
)

HOLDS = Scan(
    "holds",
    sums={},
    checks=(
        Check(
            "hold_sequence_has_no_gap",
            "The HOLDs, CAPTUREs and VOIDs of a source are numbered from 1 without gaps",
            "hold_sequence = last_sequence + 1",
            "hold sequence {hold_sequence} follows {last_sequence} of source {source_id}",
        ),
        Check(
            "hold_held_follows",
            "The held amount after a HOLD is the previous one plus its amount; after a CAPTURE or "
            "VOID, it is the previous one minus the amount of the hold",
            """held IS NULL
            OR held = last_held + CASE kind WHEN 'HOLD' THEN amount ELSE -released END""",
            "held {held} after a {kind} of {amount}, from {last_held}, of source {source_id} at "
            "hold sequence {hold_sequence}; its hold has {released}",
        ),
    ),
)

TRANSFERS = Scan(
    "transfers",
    sums={"transfers": "1"},
    checks=(
        Check(
            "transfer_within_bounds",
            "A transfer has a known kind, an amount within bounds, and two different accounts",
            f"""{integers("amount", "held", "hold_sequence")} AND kind
                IN ('DEPOSIT', 'WITHDRAWAL', 'TRANSFER', 'HOLD', 'CAPTURE', 'VOID', 'REVERSAL')
            AND amount BETWEEN 1 AND %(most)s AND source_id <> dest_id
            AND (held IS NULL OR held BETWEEN 0 AND %(most)s)
            AND (hold_sequence IS NULL OR hold_sequence >= 1)""",
            "{kind} of {amount} from {source_id} to {dest_id}, held {held}, hold sequence "
            "{hold_sequence}",
        ),
        Check(
            "transfer_id_is_of_its_time",
            "The time in a transfer's id, by which lists are sorted, matches its created_at",
            id_of_the_time("created_at"),
            "{kind} created at {created_at}",
        ),
        Check(
            "transfer_is_no_older_than_its_accounts",
            "No transfer is dated before one of its customers' accounts was opened",
            not_before("created_at", "source_opened_at", "dest_opened_at"),
            "created at {created_at}, but {source_id} was opened at {source_opened_at} and "
            "{dest_id} at {dest_opened_at}",
        ),
        Check(
            "transfer_is_no_older_than_its_original",
            "No CAPTURE, VOID or REVERSAL is dated before its hold or its original",
            not_before("created_at", "original_created_at"),
            "created at {created_at}, but transfer {original} at {original_created_at}",
        ),
        Check(
            "transfer_columns_fit_its_kind",
            "Only a HOLD expires, only a CAPTURE or VOID has a hold, only a REVERSAL an original, "
            "and only a HOLD, CAPTURE or VOID has a held amount and a hold_sequence",
            """(expires_at IS NOT NULL) = (kind = 'HOLD')
            AND (hold_id IS NOT NULL) = (kind IN ('CAPTURE', 'VOID'))
            AND (reverses_id IS NOT NULL) = (kind = 'REVERSAL')
            AND (held IS NOT NULL) = (kind IN ('HOLD', 'CAPTURE', 'VOID'))
            AND (hold_sequence IS NOT NULL) = (kind IN ('HOLD', 'CAPTURE', 'VOID'))""",
            "{kind}: expires at {expires_at}, resolves {hold_id}, reverses {reverses_id}, held "
            "{held}, hold sequence {hold_sequence}",
        ),
        Check(
            "hold_expires_after_it_was_made",
            "A HOLD expires after it was created",
            "kind <> 'HOLD' OR expires_at IS NULL OR expires_at > created_at",
            "created at {created_at}, expires at {expires_at}",
        ),
        Check(
            "hold_expires_in_time",
            f"A HOLD expires at most {LONGEST_HOLD.days} days after it was created",
            {
                # In hours, because a day of daylight saving time may not have 24 hours.
                "postgresql": f"""kind <> 'HOLD' OR expires_at IS NULL
                    OR expires_at <= created_at + interval '{LONGEST_HOLD.days * 24} hours'""",
                # julianday() returns a floating-point number, so 31 days may be slightly more.
                "sqlite": f"""kind <> 'HOLD' OR expires_at IS NULL OR julianday(expires_at)
                    < julianday(created_at) + {LONGEST_HOLD.days} + 1e-5""",
            },
            "created at {created_at}, expires at {expires_at}",
        ),
        Check(
            "transfer_memo_has_its_length",
            f"A memo has at most {LONGEST_MEMO} characters",
            f"memo IS NULL OR length(memo) <= {LONGEST_MEMO}",
            "memo is too long",
        ),
        Check(
            "transfer_metadata_is_strings",
            "A transfer's metadata is a JSON object whose values are strings",
            strings("metadata"),
            "metadata isn't an object of strings",
        ),
        Check(
            "transfer_metadata_within_limits",
            f"A transfer's metadata has at most {METADATA_MAX_MEMBERS} members and "
            f"{METADATA_MAX_BYTES} bytes",
            within_metadata_limits("metadata"),
            "metadata is too large",
        ),
        Check(
            "transfer_parties_fit_its_kind",
            "Only a DEPOSIT, a WITHDRAWAL or a REVERSAL involves an EXTERNAL account",
            """CASE kind
                WHEN 'DEPOSIT' THEN source_kind = 'EXTERNAL' AND dest_kind = 'CUSTOMER'
                WHEN 'WITHDRAWAL' THEN source_kind = 'CUSTOMER' AND dest_kind = 'EXTERNAL'
                WHEN 'REVERSAL' THEN source_kind = 'CUSTOMER' OR dest_kind = 'CUSTOMER'
                ELSE source_kind = 'CUSTOMER' AND dest_kind = 'CUSTOMER'
            END""",
            "{kind} from {source_kind} {source_id} to {dest_kind} {dest_id}",
        ),
        Check(
            "transfer_has_one_currency",
            "A transfer and both of its accounts have the same currency",
            "currency = source_currency AND currency = dest_currency",
            "{currency} from an account in {source_currency} to an account in {dest_currency}",
        ),
        Check(
            "transfer_has_both_legs",
            "A transfer that moves money has exactly one DEBIT and one CREDIT",
            "kind IN ('HOLD', 'VOID') OR (debits = 1 AND credits = 1 AND entries = 2)",
            "{kind} with debits: {debits}, credits: {credits}",
        ),
        Check(
            "transfer_has_no_legs_if_hold",
            "HOLDs and VOIDs have no entries",
            "kind NOT IN ('HOLD', 'VOID') OR entries = 0",
            "{kind} with entries: {entries}",
        ),
        Check(
            "capture_fits_its_hold",
            "A CAPTURE has the accounts of its hold, and at most its amount",
            """kind <> 'CAPTURE' OR (original_kind = 'HOLD' AND amount <= original_amount
            AND source_id = original_source AND dest_id = original_dest)""",
            "{amount} from {source_id} to {dest_id}, but {original_kind} {hold_id} has "
            "{original_amount} from {original_source} to {original_dest}",
        ),
        Check(
            "capture_came_before_expiry",
            "No hold is captured after it expired",
            "kind <> 'CAPTURE' OR created_at < original_expiry",
            "captured at {created_at}, but hold {hold_id} expired at {original_expiry}",
        ),
        Check(
            "void_fits_its_hold",
            "A VOID has the accounts and the amount of its hold",
            """kind <> 'VOID' OR (original_kind = 'HOLD' AND amount = original_amount
            AND source_id = original_source AND dest_id = original_dest)""",
            "{amount} from {source_id} to {dest_id}, but {original_kind} {hold_id} has "
            "{original_amount} from {original_source} to {original_dest}",
        ),
        Check(
            "transfer_by_nobody_is_a_release",
            "Only the VOID of an expired hold has no user",
            "created_by_id IS NOT NULL OR (kind = 'VOID' AND created_at >= original_expiry)",
            "{kind} without a user at {created_at}; hold {hold_id} expires at {original_expiry}",
        ),
        Check(
            "reversal_mirrors_its_original",
            "A REVERSAL has the amount of its original and the accounts swapped",
            """kind <> 'REVERSAL' OR (original_kind NOT IN ('HOLD', 'VOID', 'REVERSAL')
            AND amount = original_amount AND currency = original_currency
            AND source_id = original_dest AND dest_id = original_source)""",
            "{amount} from {source_id} to {dest_id}, but {original_kind} {reverses_id} has "
            "{original_amount} from {original_source} to {original_dest}",
        ),
        Check(
            "original_is_resolved_once",
            "A hold is resolved at most once, and a transfer is reversed at most once",
            "times = 1",
            "one of {times} transfers that resolve or reverse {original}",
        ),
    ),
)
