"""The checks of accounts, of their changes, and of each entry in its account."""

from accounts.models import EXTERNAL_NAME, LONGEST_NAME, LONGEST_REASON
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
            "An account has a known kind and status, and its figures are integers within bounds",
            f"""{integers("balance", "held", "overdraft_limit", "version", "hold_version")}
            AND kind IN ('CUSTOMER', 'EXTERNAL') AND status IN ('OPEN', 'FROZEN', 'CLOSED')
            AND balance BETWEEN -%(most)s AND %(most)s AND held BETWEEN 0 AND %(most)s
            AND overdraft_limit BETWEEN 0 AND %(most)s AND version >= 0 AND hold_version >= 0""",
            "{kind} {status}: balance {balance}, held {held}, overdraft limit {overdraft_limit}, "
            "version {version}, hold version {hold_version}",
        ),
        Check(
            "account_has_its_owner",
            "A customer's account has an owner, and an EXTERNAL account has none",
            "(owner_id IS NULL) = (kind = 'EXTERNAL')",
            "{kind} account with owner {owner_id}",
        ),
        Check(
            "account_id_is_of_its_time",
            "The time in a customer account's id matches the time when the account was opened",
            id_of_the_time("opened_at"),
            "opened at {opened_at}",
        ),
        Check(
            "account_never_overdrawn",
            "A customer's available balance is never negative",
            "kind = 'EXTERNAL' OR balance - held + overdraft_limit >= 0",
            "balance {balance}, held {held} and overdraft limit {overdraft_limit}",
        ),
        Check(
            "account_closed_is_empty",
            "A closed account has a balance of 0 and nothing held",
            "status <> 'CLOSED' OR (balance = 0 AND held = 0)",
            "closed with balance {balance} and held {held}",
        ),
        Check(
            "account_external_keeps_no_balance",
            "An EXTERNAL account stores no figures: all of them are 0",
            """kind <> 'EXTERNAL'
            OR (balance = 0 AND held = 0 AND version = 0 AND hold_version = 0
                AND overdraft_limit = 0)""",
            "balance {balance}, held {held}, version {version}, hold version {hold_version}, "
            "overdraft limit {overdraft_limit}",
        ),
        Check(
            "account_external_stays_as_made",
            "An EXTERNAL account is OPEN and has the name that it was created with",
            f"""kind <> 'EXTERNAL'
            OR (status = 'OPEN' AND owner_name = '{EXTERNAL_NAME} ' || currency)""",
            "status {status}, name {owner_name}",
        ),
        Check(
            "account_balance_is_its_entries",
            "A customer's balance is the sum of its entries",
            "kind = 'EXTERNAL' OR balance = total",
            "balance {balance}, but its entries sum to {total}",
        ),
        Check(
            "account_balance_is_its_last_entrys",
            "A customer's balance is the balance of its last entry",
            "kind = 'EXTERNAL' OR balance = last_balance",
            "balance {balance}, but the last entry has balance {last_balance}",
        ),
        Check(
            "account_version_counts_its_entries",
            "A customer account's version is its last sequence and number of entries",
            "kind = 'EXTERNAL' OR (version = last_sequence AND version = entries)",
            "version {version}, but entries: {entries}, last sequence: {last_sequence}",
        ),
        Check(
            "account_held_is_its_holds",
            "The held amount is the sum of the holds without a CAPTURE or VOID",
            "kind = 'EXTERNAL' OR held = pending",
            "held {held}, but its pending holds sum to {pending}",
        ),
        Check(
            "account_held_is_its_last_holds",
            "The held amount and hold_version are those of the last HOLD, CAPTURE or VOID",
            "kind = 'EXTERNAL' OR (held = last_held AND hold_version = last_hold_sequence)",
            "held {held} and hold version {hold_version}, but the last hold has {last_held} and "
            "sequence {last_hold_sequence}",
        ),
        Check(
            "account_last_posted_when_its_last_entry",
            "A customer's last_posted_at is the time of its last entry",
            """kind = 'EXTERNAL' OR last_posted_at = last_ts
            OR (last_posted_at IS NULL AND last_ts IS NULL)""",
            "last posted at {last_posted_at}, but the last entry is dated {last_ts}",
        ),
        Check(
            "account_status_is_recorded",
            "An account has the status of its last account change, or OPEN without one",
            "status = recorded_status",
            "status {status}, but {recorded_status} in its account changes",
        ),
        Check(
            "account_limit_is_recorded",
            "An account has the overdraft limit of its last account change, or 0 without one",
            "CAST(overdraft_limit AS text) = recorded_limit",
            "overdraft limit {overdraft_limit}, but {recorded_limit} in its account changes",
        ),
        Check(
            "account_name_has_its_length",
            f"An account's owner_name has 1 to {LONGEST_NAME} characters",
            f"length(owner_name) BETWEEN 1 AND {LONGEST_NAME}",
            "owner_name is empty or too long",
        ),
        Check(
            "account_metadata_is_strings",
            "An account's metadata is a JSON object whose values are strings",
            strings("metadata"),
            "metadata isn't an object of strings",
        ),
        Check(
            "account_metadata_within_limits",
            f"An account's metadata has at most {METADATA_MAX_MEMBERS} members and "
            f"{METADATA_MAX_BYTES} bytes",
            within_metadata_limits("metadata"),
            "metadata is too large",
        ),
        Check(
            "account_name_is_recorded",
            "A renamed account has the name of its last account change",
            "owner_name = recorded_name",
            "name {owner_name}, but {recorded_name} in its account changes",
        ),
    ),
)

CHANGES = Scan(
    "changes",
    sums={},
    checks=(
        Check(
            "change_has_its_account",
            "Every account change belongs to an account that exists",
            "currency IS NOT NULL",
            "account change {change}: the account doesn't exist",
        ),
        Check(
            "change_fits_its_action",
            "The values before and after an account change fit its action",
            """before <> after AND CASE action
                WHEN 'FREEZE' THEN before = 'OPEN' AND after = 'FROZEN'
                WHEN 'UNFREEZE' THEN before = 'FROZEN' AND after = 'OPEN'
                WHEN 'CLOSE' THEN before = 'OPEN' AND after = 'CLOSED'
                WHEN 'SET_OVERDRAFT_LIMIT'
                    THEN length(after) BETWEEN 1 AND 16 AND trim(after, '0123456789') = ''
                ELSE action = 'RENAME'
            END""",
            "account change {change}: {action} from {before} to {after}",
        ),
        Check(
            "change_follows",
            "An account change starts from the value that the previous change ended with",
            """before = coalesce(last_after, CASE action WHEN 'RENAME' THEN before
                WHEN 'SET_OVERDRAFT_LIMIT' THEN '0' ELSE 'OPEN' END)""",
            "account change {change}: {action} from {before} follows a change to {last_after}",
        ),
        Check(
            "change_reason_has_its_length",
            f"The reason of an account change has at most {LONGEST_REASON} characters",
            f"length(reason) <= {LONGEST_REASON}",
            "account change {change}: the reason is too long",
        ),
        Check(
            "change_time_never_runs_backwards",
            "No account change is dated before its account or before the previous change",
            not_before("at", "last_at"),
            "account change {change}: {at} follows {last_at}",
        ),
        Check(
            "change_is_of_a_customers_account",
            "An EXTERNAL account has no account changes",
            "currency IS NULL OR kind <> 'EXTERNAL'",
            "account change {change}: {action} of an account of kind {kind}",
        ),
        Check(
            "change_stops_transfers",
            "A frozen account only has VOIDs and REVERSALs, a closed account only VOIDs",
            "transfers_despite_it = 0",
            "account change {change}: transfers after the {action} at {at}: {transfers_despite_it}",
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
            "An entry has a known type, and its figures are integers within bounds",
            f"""{integers("amount", "balance", "sequence")}
            AND type IN ('DEBIT', 'CREDIT') AND amount BETWEEN 1 AND %(most)s
            AND (balance IS NULL OR balance BETWEEN -%(most)s AND %(most)s)
            AND (sequence IS NULL OR sequence >= 1)""",
            "{type} of {amount}, balance {balance}, sequence {sequence}",
        ),
        Check(
            "entry_has_its_account",
            "Every entry belongs to an account that exists",
            "kind IS NOT NULL",
            "account {account_id} doesn't exist",
        ),
        Check(
            "entry_keeps_balance_if_customers",
            "A customer's entry has a sequence and a balance; an EXTERNAL account's has neither",
            """kind IS NULL
            OR (kind = 'EXTERNAL' AND sequence IS NULL AND balance IS NULL)
            OR (kind <> 'EXTERNAL' AND sequence IS NOT NULL AND balance IS NOT NULL)""",
            "sequence {sequence} and balance {balance} in {kind} account {account_id}",
        ),
        Check(
            "entry_sequence_has_no_gap",
            "The entries of a customer's account are numbered from 1 without gaps",
            "kind = 'EXTERNAL' OR sequence IS NULL OR sequence = last_sequence + 1",
            "sequence {sequence} follows {last_sequence} in account {account_id}",
        ),
        Check(
            "entry_balance_follows",
            "An entry's balance is the previous balance plus a CREDIT or minus a DEBIT",
            """kind = 'EXTERNAL' OR balance IS NULL
            OR balance = last_balance + CASE type WHEN 'CREDIT' THEN amount ELSE -amount END""",
            "balance {balance} after a {type} of {amount}, from {last_balance}, in account "
            "{account_id} at sequence {sequence}",
        ),
        Check(
            "entry_time_never_runs_backwards",
            "No entry of a customer's account is dated before the previous one",
            "kind = 'EXTERNAL' OR last_ts IS NULL OR ts >= last_ts",
            "{ts} follows {last_ts} in account {account_id} at sequence {sequence}",
        ),
        Check(
            "entry_has_the_time_of_its_transfer",
            "An entry has the time of its transfer, or the previous entry's if that is later",
            """created_at IS NULL OR ts = CASE
                WHEN kind <> 'EXTERNAL' AND last_ts > created_at THEN last_ts
                ELSE created_at
            END""",
            "{ts}, but transfer {transfer_id} was created at {created_at}, in account {account_id} "
            "after {last_ts}",
        ),
        Check(
            "entry_within_the_overdraft",
            "No balance is further below 0 than the highest overdraft limit the account ever had",
            "kind = 'EXTERNAL' OR balance IS NULL OR balance >= -highest_limit",
            "balance {balance}, but the overdraft limit was never above {highest_limit}, in "
            "account {account_id} at sequence {sequence}",
        ),
    ),
)
