"""Attacks that update, delete or truncate history."""

HISTORY_ATTACKS = {
    "editing a transfer": (
        "transfer_append_only",
        lambda ledger: ledger.run("UPDATE transfers_transfer SET memo = 'x'"),
    ),
    "deleting a transfer that nothing refers to": (
        "transfer_append_only",
        lambda ledger: ledger.run("DELETE FROM transfers_transfer WHERE false"),
    ),
    "truncating transfers": (
        "transfer_not_truncated",
        lambda ledger: ledger.run(
            "ALTER TABLE transfers_ledgerentry DISABLE TRIGGER USER",
            "ALTER TABLE approvals_approval DISABLE TRIGGER USER",
            "TRUNCATE transfers_transfer, transfers_ledgerentry, approvals_approval",
        ),
    ),
    "editing an entry": (
        "entry_append_only",
        lambda ledger: ledger.run("UPDATE transfers_ledgerentry SET ts = ts"),
    ),
    "deleting an entry": (
        "entry_append_only",
        lambda ledger: ledger.run("DELETE FROM transfers_ledgerentry WHERE sequence IS NULL"),
    ),
    "truncating entries": (
        "entry_not_truncated",
        lambda ledger: ledger.run("TRUNCATE transfers_ledgerentry"),
    ),
    "moving an entry to another account": (
        "entry_append_only",
        lambda ledger: ledger.run(
            "UPDATE transfers_ledgerentry SET account_id = account_id WHERE sequence = 1"
        ),
    ),
    "editing the record of who changed an account": (
        "change_append_only",
        lambda ledger: ledger.run("UPDATE accounts_accountchange SET actor_id = actor_id"),
    ),
    "deleting the record of who changed an account": (
        "change_append_only",
        lambda ledger: ledger.run("DELETE FROM accounts_accountchange"),
    ),
    "truncating the record of who changed an account": (
        "change_not_truncated",
        lambda ledger: ledger.run(
            "ALTER TABLE approvals_approval DISABLE TRIGGER USER",
            "TRUNCATE accounts_accountchange, approvals_approval",
        ),
    ),
}
