"""
Attacks on the history of SQLite with REPLACE, by name: one for each unique key of each table.

Without its guard, each deletes the existing row, and no DELETE trigger runs.
"""

from accounts.models import Account, AccountChange
from ledger_project.tests.replacing import replace
from transfers.models import LedgerEntry, Transfer

NEW_ID = "lower(hex(randomblob(16)))"
# This guard would refuse the new row, because it doesn't continue the chain of holds.
IN_ANY_ORDER = "DROP TRIGGER transfer_held"
VOID = {"id": NEW_ID, "kind": "'VOID'", "expires_at": "NULL", "hold_id": "id"}
REVERSAL = {
    "id": NEW_ID,
    "kind": "'REVERSAL'",
    "source_id": "dest_id",
    "dest_id": "source_id",
    "reverses_id": "id",
}
CLOSED = "(SELECT rowid FROM accounts_account WHERE status = 'CLOSED')"

TRANSFERS = {
    "a new transfer with the rowid of an existing one": replace(
        Transfer, "kind = 'DEPOSIT'", rowid="rowid", id=NEW_ID
    ),
    "a new transfer with the id of an existing one": replace(
        Transfer, "kind = 'DEPOSIT'", memo="'forged'"
    ),
    "a second resolution of a hold": (
        IN_ANY_ORDER,
        replace(Transfer, "kind = 'HOLD'", **VOID, hold_sequence="2"),
        replace(Transfer, "kind = 'VOID'", id=NEW_ID, hold_sequence="3"),
    ),
    "a second reversal of a transfer": (
        replace(Transfer, "kind = 'DEPOSIT'", **REVERSAL),
        replace(Transfer, "kind = 'REVERSAL'", id=NEW_ID),
    ),
    "a new hold with the hold_sequence of an existing one": (
        IN_ANY_ORDER,
        replace(Transfer, "kind = 'HOLD'", id=NEW_ID),
    ),
}
ENTRIES = {
    "a new entry with the rowid of an existing one": {
        "rowid": "rowid",
        "id": NEW_ID,
        "sequence": "9",
        "transfer_id": NEW_ID,
    },
    "a new entry with the id of an existing one": {"sequence": "9", "transfer_id": NEW_ID},
    "a new entry with the sequence of an existing one": {"id": NEW_ID, "transfer_id": NEW_ID},
    "a second CREDIT of a transfer": {"id": NEW_ID, "sequence": "9"},
}
ACCOUNTS = {
    "a new account with the rowid of an existing one": {"rowid": "rowid", "id": NEW_ID},
    "a new account with the id of an existing one": {"owner_name": "'forged'"},
}
ATTACKS = {
    **{name: ("transfer_refuse_replace", attack) for name, attack in TRANSFERS.items()},
    **{
        name: ("entry_refuse_replace", replace(LedgerEntry, "sequence = 1", **values))
        for name, values in ENTRIES.items()
    },
    **{
        name: ("account_refuse_replace", replace(Account, "balance = 100", **values))
        for name, values in ACCOUNTS.items()
    },
    "changing the rowid of an account to that of another account": (
        "account_refuse_replace_by_update",
        f"UPDATE OR REPLACE accounts_account SET rowid = {CLOSED} WHERE balance = 100",
    ),
    "a new account change with the id of an existing one": (
        "change_refuse_replace",
        replace(AccountChange, "action = 'RENAME'", reason="'forged'"),
    ),
}
