"""What must hold for every account, and for every entry within its account."""

from accounts.models import EXTERNAL_NAME, LONGEST_NAME
from audit.scan import Check, Scan, id_of_the_time, integers, not_before, strings

ACCOUNTS = Scan(
    "accounts",
    sums={
        "accounts": "CASE WHEN kind = 'EXTERNAL' THEN 0 ELSE 1 END",
        "externals": "CASE WHEN kind = 'EXTERNAL' THEN 1 ELSE 0 END",
        "customers": "CASE WHEN kind = 'EXTERNAL' THEN 0 ELSE balance END",
        "held": "held",
    },
    checks=(
        Check(
            "account_within_bounds",
            "Kind and status are known, and every figure is an integer within its bounds",
            f"""{integers("balance", "held", "overdraft_limit", "version")}
            AND kind IN ('CUSTOMER', 'EXTERNAL') AND status IN ('OPEN', 'FROZEN', 'CLOSED')
            AND balance BETWEEN -%(most)s AND %(most)s AND held BETWEEN 0 AND %(most)s
            AND overdraft_limit BETWEEN 0 AND %(most)s AND version >= 0""",
            "{kind} {status}: balance {balance}, held {held}, overdraft limit {overdraft_limit}, "
            "version {version}",
        ),
        Check(
            "account_has_its_owner",
            "A customer's account has an owner, and an EXTERNAL one has none",
            "(owner_id IS NULL) = (kind = 'EXTERNAL')",
            "{kind} with the owner {owner_id}",
        ),
        Check(
            "account_id_is_of_its_time",
            "A customer's account's id was made when the account was",
            id_of_the_time("opened_at"),
            "opened at {opened_at}",
        ),
        Check(
            "account_never_overdrawn",
            "What a customer can spend is never negative",
            "kind = 'EXTERNAL' OR balance - held + overdraft_limit >= 0",
            "balance {balance}, held {held} and overdraft limit {overdraft_limit}",
        ),
        Check(
            "account_closed_is_empty",
            "A closed account has no balance and no hold",
            "status <> 'CLOSED' OR (balance = 0 AND held = 0)",
            "closed with balance {balance} and held {held}",
        ),
        Check(
            "account_external_keeps_no_balance",
            "The figures of an EXTERNAL account's own row stay 0",
            """kind <> 'EXTERNAL'
            OR (balance = 0 AND held = 0 AND version = 0 AND overdraft_limit = 0)""",
            "balance {balance}, held {held}, version {version}, overdraft limit {overdraft_limit}",
        ),
        Check(
            "account_external_stays_as_made",
            "An EXTERNAL account is always OPEN, and keeps its first name",
            f"""kind <> 'EXTERNAL'
            OR (status = 'OPEN' AND owner_name = '{EXTERNAL_NAME} ' || currency)""",
            "{status}, with the name {owner_name}",
        ),
        Check(
            "account_balance_is_its_entries",
            "A customer's balance is the sum of its entries",
            "kind = 'EXTERNAL' OR balance = total",
            "balance {balance}, but its entries make {total}",
        ),
        Check(
            "account_balance_is_its_last_entrys",
            "A customer's balance is that after its last entry",
            "kind = 'EXTERNAL' OR balance = last_balance",
            "balance {balance}, but {last_balance} after its last entry",
        ),
        Check(
            "account_version_counts_its_entries",
            "A customer's version is its last sequence and the number of its entries",
            "kind = 'EXTERNAL' OR (version = last_sequence AND version = entries)",
            "version {version}, but {entries} entries and the last has sequence {last_sequence}",
        ),
        Check(
            "account_held_is_its_holds",
            "What is held is the sum of the holds without a CAPTURE or VOID",
            "kind = 'EXTERNAL' OR held = pending",
            "held {held}, but its unresolved holds make {pending}",
        ),
        Check(
            "account_last_posted_when_its_last_entry",
            "A customer's account was last posted to when its last entry was",
            """kind = 'EXTERNAL' OR last_posted_at = last_ts
            OR (last_posted_at IS NULL AND last_ts IS NULL)""",
            "last posted at {last_posted_at}, but its last entry is of {last_ts}",
        ),
        Check(
            "account_status_is_recorded",
            "An account's status is what the last record of a change says, or OPEN",
            "status = recorded_status",
            "{status}, but {recorded_status} by its record",
        ),
        Check(
            "account_limit_is_recorded",
            "An account's overdraft limit is what the last record of a change says, or 0",
            "CAST(overdraft_limit AS text) = recorded_limit",
            "overdraft limit {overdraft_limit}, but {recorded_limit} by its record",
        ),
        Check(
            "account_name_has_its_length",
            f"The name of an account's owner has 1 to {LONGEST_NAME} characters",
            f"length(owner_name) BETWEEN 1 AND {LONGEST_NAME}",
            "the name is empty or too long",
        ),
        Check(
            "account_metadata_is_strings",
            "The metadata of an account is an object of strings",
            strings("metadata"),
            "the metadata is something else",
        ),
        Check(
            "account_name_is_recorded",
            "An account that was renamed has the name that the last record says",
            "owner_name = recorded_name",
            "{owner_name}, but {recorded_name} by its record",
        ),
    ),
)

CHANGES = Scan(
    "changes",
    sums={},
    checks=(
        Check(
            "change_has_its_account",
            "Every recorded change is of an account that exists",
            "currency IS NOT NULL",
            "change {change}: there is no such account",
        ),
        Check(
            "change_fits_its_action",
            "A recorded change says what its action does",
            """before <> after AND CASE action
                WHEN 'FREEZE' THEN before = 'OPEN' AND after = 'FROZEN'
                WHEN 'UNFREEZE' THEN before = 'FROZEN' AND after = 'OPEN'
                WHEN 'CLOSE' THEN before = 'OPEN' AND after = 'CLOSED'
                WHEN 'SET_OVERDRAFT_LIMIT'
                    THEN length(after) BETWEEN 1 AND 16 AND trim(after, '0123456789') = ''
                ELSE action = 'RENAME'
            END""",
            "change {change}: {action} from {before} to {after}",
        ),
        Check(
            "change_follows",
            "A recorded change begins where the one before it ended",
            """before = coalesce(last_after, CASE action WHEN 'RENAME' THEN before
                WHEN 'SET_OVERDRAFT_LIMIT' THEN '0' ELSE 'OPEN' END)""",
            "change {change}: {action} from {before} comes after {last_after}",
        ),
        Check(
            "change_time_never_runs_backwards",
            "No recorded change is older than its account, or than the change before it",
            not_before("at", "last_at"),
            "change {change}: {at} comes after {last_at}",
        ),
        Check(
            "change_is_of_a_customers_account",
            "No change of an EXTERNAL account is recorded, because none is made",
            "currency IS NULL OR kind <> 'EXTERNAL'",
            "change {change}: {action} of an account that is {kind}",
        ),
        Check(
            "change_stops_transfers",
            "A frozen account has no transfers but VOIDs and REVERSALs, a closed one only VOIDs",
            "transfers_despite_it = 0",
            "change {change}: {transfers_despite_it} transfers despite the {action} of {at}",
        ),
    ),
)

ENTRIES = Scan(
    "entries",
    sums={
        "entries": "1",
        "debits": "CASE type WHEN 'DEBIT' THEN amount ELSE 0 END",
        "credits": "CASE type WHEN 'CREDIT' THEN amount ELSE 0 END",
        "external_debits": "CASE WHEN kind = 'EXTERNAL' AND type = 'DEBIT' THEN amount ELSE 0 END",
        "external_credits": (
            "CASE WHEN kind = 'EXTERNAL' AND type = 'CREDIT' THEN amount ELSE 0 END"
        ),
    },
    checks=(
        Check(
            "entry_within_bounds",
            "The type of an entry is known, and every figure is an integer within its bounds",
            f"""{integers("amount", "balance", "sequence")}
            AND type IN ('DEBIT', 'CREDIT') AND amount BETWEEN 1 AND %(most)s
            AND (balance IS NULL OR balance BETWEEN -%(most)s AND %(most)s)
            AND (sequence IS NULL OR sequence >= 1)""",
            "{type} of {amount}, balance {balance}, sequence {sequence}",
        ),
        Check(
            "entry_has_its_account",
            "Every entry is in an account that exists",
            "kind IS NOT NULL",
            "there is no account {account_id}",
        ),
        Check(
            "entry_keeps_balance_if_customers",
            "A customer's entry has a sequence and a balance; an EXTERNAL's has neither",
            """kind IS NULL
            OR (kind = 'EXTERNAL' AND sequence IS NULL AND balance IS NULL)
            OR (kind <> 'EXTERNAL' AND sequence IS NOT NULL AND balance IS NOT NULL)""",
            "sequence {sequence} and balance {balance} in account {account_id}, {kind}",
        ),
        Check(
            "entry_sequence_has_no_gap",
            "The sequence of an account's entries counts from 1 without a gap",
            "kind = 'EXTERNAL' OR sequence IS NULL OR sequence = last_sequence + 1",
            "sequence {sequence} comes after {last_sequence} in account {account_id}",
        ),
        Check(
            "entry_balance_follows",
            "The balance after an entry follows from the one before it",
            """kind = 'EXTERNAL' OR balance IS NULL
            OR balance = last_balance + CASE type WHEN 'CREDIT' THEN amount ELSE -amount END""",
            "balance {balance} comes after {last_balance} and a {type} of {amount} in account "
            "{account_id} at sequence {sequence}",
        ),
        Check(
            "entry_time_never_runs_backwards",
            "Within a customer's account no entry is older than the one before it",
            "kind = 'EXTERNAL' OR last_ts IS NULL OR ts >= last_ts",
            "{ts} comes after {last_ts} in account {account_id} at sequence {sequence}",
        ),
        Check(
            "entry_has_the_time_of_its_transfer",
            "An entry has its transfer's time, or a later one of the entry before it",
            """created_at IS NULL OR ts = CASE
                WHEN kind <> 'EXTERNAL' AND last_ts > created_at THEN last_ts
                ELSE created_at
            END""",
            "{ts} for transfer {transfer_id} of {created_at}, in account {account_id} after "
            "{last_ts}",
        ),
        Check(
            "entry_within_the_overdraft",
            "No balance is below the highest overdraft limit that the account was ever given",
            "kind = 'EXTERNAL' OR balance IS NULL OR balance >= -highest_limit",
            "balance {balance} with an overdraft limit of {highest_limit} at most, in account "
            "{account_id} at sequence {sequence}",
        ),
    ),
)
