"""
What must hold for every transfer, and for every entry as a leg of its transfer.

It repeats in SQL what ``transfers/kinds.py`` declares of each kind, and reads nothing from there:
so the audit can prove the ledger wrong. A new kind is added here too.
"""

from audit.scan import Check, Scan, id_of_the_time, integers, strings
from transfers.models import LONGEST_HOLD, LONGEST_MEMO

LEGS = Scan(
    "legs",
    sums={},
    checks=(
        Check(
            "entry_has_its_transfer",
            "Every entry belongs to a transfer that exists",
            "kind IS NOT NULL",
            "there is no transfer {transfer_id}",
        ),
        Check(
            "leg_has_the_transfers_amount",
            "Each leg of a transfer is of the transfer's amount",
            "kind IS NULL OR amount = ordered",
            "a {type} of {amount} for transfer {transfer_id} of {ordered}",
        ),
        Check(
            "leg_is_on_its_account",
            "The DEBIT is on a transfer's source, and the CREDIT on its dest",
            "kind IS NULL OR account_id = party",
            "the {type} of transfer {transfer_id} is on {account_id} in place of {party}",
        ),
        Check(
            "leg_is_no_older_than_its_transfer",
            "No leg is older than its transfer",
            "kind IS NULL OR ts >= created_at",
            "{ts} for transfer {transfer_id} of {created_at}",
        ),
        Check(
            "entry_id_is_of_its_time",
            "An entry's id was made when its transfer was",
            id_of_the_time("created_at"),
            "for transfer {transfer_id} of {created_at}",
        ),
    ),
)

TRANSFERS = Scan(
    "transfers",
    sums={"transfers": "1"},
    checks=(
        Check(
            "transfer_within_bounds",
            "The kind of a transfer is known, its amount an integer in bounds, its accounts two",
            f"""{integers("amount")} AND kind
                IN ('DEPOSIT', 'WITHDRAWAL', 'TRANSFER', 'HOLD', 'CAPTURE', 'VOID', 'REVERSAL')
            AND amount BETWEEN 1 AND %(most)s AND source_id <> dest_id""",
            "{kind} of {amount} from {source_id} to {dest_id}",
        ),
        Check(
            "transfer_id_is_of_its_time",
            "A transfer's id was made when the transfer was: lists are in the order of ids",
            id_of_the_time("created_at"),
            "a {kind} of {created_at}",
        ),
        Check(
            "transfer_columns_fit_its_kind",
            "Only a HOLD expires, a CAPTURE or VOID resolves, and a REVERSAL reverses",
            """(expires_at IS NOT NULL) = (kind = 'HOLD')
            AND (hold_id IS NOT NULL) = (kind IN ('CAPTURE', 'VOID'))
            AND (reverses_id IS NOT NULL) = (kind = 'REVERSAL')""",
            "{kind} that expires at {expires_at}, resolves {hold_id}, reverses {reverses_id}",
        ),
        Check(
            "hold_expires_after_it_was_made",
            "A HOLD expires after it was made",
            "kind <> 'HOLD' OR expires_at IS NULL OR expires_at > created_at",
            "made at {created_at}, expires at {expires_at}",
        ),
        Check(
            "hold_expires_in_time",
            f"A HOLD expires at most {LONGEST_HOLD.days} days after it was made",
            {
                # In hours, because the days of a time zone differ.
                "postgresql": f"""kind <> 'HOLD' OR expires_at IS NULL
                    OR expires_at <= created_at + interval '{LONGEST_HOLD.days * 24} hours'""",
                # SQLite's days are floating-point numbers: 31 may come out as a little more.
                "sqlite": f"""kind <> 'HOLD' OR expires_at IS NULL OR julianday(expires_at)
                    < julianday(created_at) + {LONGEST_HOLD.days} + 1e-5""",
            },
            "made at {created_at}, expires at {expires_at}",
        ),
        Check(
            "transfer_memo_has_its_length",
            f"A memo has at most {LONGEST_MEMO} characters",
            f"memo IS NULL OR length(memo) <= {LONGEST_MEMO}",
            "the memo is too long",
        ),
        Check(
            "transfer_metadata_is_strings",
            "The metadata of a transfer is an object of strings",
            strings("metadata"),
            "the metadata is something else",
        ),
        Check(
            "transfer_parties_fit_its_kind",
            "Only a DEPOSIT comes from outside and a WITHDRAWAL goes there, save by REVERSAL",
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
            "A transfer and both of its accounts are of one currency",
            "currency = source_currency AND currency = dest_currency",
            "{currency} from an account of {source_currency} to one of {dest_currency}",
        ),
        Check(
            "transfer_has_both_legs",
            "A transfer that moves money has exactly one DEBIT and one CREDIT",
            "kind IN ('HOLD', 'VOID') OR (debits = 1 AND credits = 1 AND entries = 2)",
            "{kind} with {debits} debits and {credits} credits",
        ),
        Check(
            "transfer_has_no_legs_if_hold",
            "A HOLD and a VOID have no entries",
            "kind NOT IN ('HOLD', 'VOID') OR entries = 0",
            "{kind} with {entries} entries",
        ),
        Check(
            "capture_fits_its_hold",
            "A CAPTURE has the parties of its hold and is at most its amount",
            """kind <> 'CAPTURE' OR (original_kind = 'HOLD' AND amount <= original_amount
            AND source_id = original_source AND dest_id = original_dest)""",
            "{amount} from {source_id} to {dest_id} of {original_kind} {hold_id}: "
            "{original_amount} from {original_source} to {original_dest}",
        ),
        Check(
            "capture_came_before_expiry",
            "No hold is captured once it has expired",
            "kind <> 'CAPTURE' OR created_at < original_expiry",
            "captured at {created_at}, but hold {hold_id} expired at {original_expiry}",
        ),
        Check(
            "void_fits_its_hold",
            "A VOID has the parties and the amount of its hold",
            """kind <> 'VOID' OR (original_kind = 'HOLD' AND amount = original_amount
            AND source_id = original_source AND dest_id = original_dest)""",
            "{amount} from {source_id} to {dest_id} of {original_kind} {hold_id}: "
            "{original_amount} from {original_source} to {original_dest}",
        ),
        Check(
            "transfer_by_nobody_is_a_release",
            "Only the VOID of a hold that had expired is by nobody",
            "created_by_id IS NOT NULL OR (kind = 'VOID' AND created_at >= original_expiry)",
            "{kind} by nobody at {created_at}; hold {hold_id} expires at {original_expiry}",
        ),
        Check(
            "reversal_mirrors_its_original",
            "A REVERSAL is its original with the parties swapped",
            """kind <> 'REVERSAL' OR (original_kind NOT IN ('HOLD', 'VOID', 'REVERSAL')
            AND amount = original_amount AND currency = original_currency
            AND source_id = original_dest AND dest_id = original_source)""",
            "{amount} from {source_id} to {dest_id} of {original_kind} {reverses_id}: "
            "{original_amount} from {original_source} to {original_dest}",
        ),
        Check(
            "original_is_resolved_once",
            "A hold is resolved once, and a transfer is reversed once",
            "times = 1",
            "one of {times} that resolve or reverse {original}",
        ),
    ),
)
