"""
Attacks on the guards of SQLite, by name, each with the guard that must refuse it.

An attack is a statement, or several of which the last must be refused. Each violates only the guard
that it is meant for.
"""

NEW_ID = "lower(hex(randomblob(16)))"
INSERT_ACCOUNT = (
    "INSERT INTO accounts_account (id, owner_id, owner_name, owner_name_folded, currency, kind,"
    " status, balance, held, overdraft_limit, version, hold_version, metadata, created_at)"
    f" SELECT {NEW_ID},"
    " owner_id, 'x', 'x', 'USD', 'CUSTOMER', 'OPEN', {}, '{{}}',"
    " created_at FROM accounts_account WHERE kind = 'CUSTOMER' LIMIT 1"
)
INSERT_ENTRY = (
    "INSERT INTO transfers_ledgerentry (id, ts, account_id, transfer_id, type, amount, balance,"
    f" sequence) SELECT {NEW_ID}, ts, account_id, {NEW_ID},"
    " 'CREDIT', {} FROM transfers_ledgerentry WHERE sequence = 1"
)
INSERT_TRANSFER = (
    "INSERT INTO transfers_transfer (id, kind, source_id, dest_id, amount, currency, metadata,"
    f" created_by_id, created_at) SELECT {NEW_ID},"
    " 'TRANSFER', source_id, dest_id, {},"
    " currency, '{{}}', created_by_id, created_at FROM transfers_transfer WHERE kind = 'HOLD'"
)
INSERT_IN_CHAIN = (
    "INSERT INTO transfers_transfer (id, kind, source_id, dest_id, amount, currency, metadata,"
    " created_by_id, created_at, expires_at, hold_id, held, hold_sequence)"
    f" SELECT {NEW_ID}, '{{}}', source_id, dest_id, amount, currency, metadata, created_by_id,"
    " created_at, {}, {} FROM transfers_transfer WHERE kind = 'HOLD'"
)
INSERT_ENTRY_ON_A_CLOSED_ACCOUNT = (
    "INSERT INTO transfers_ledgerentry (id, ts, account_id, transfer_id, type, amount, balance,"
    f" sequence) SELECT {NEW_ID}, created_at, id, {NEW_ID}, 'CREDIT', 1, 1, 1"
    " FROM accounts_account WHERE status = 'CLOSED'"
)
RECORD_A_LIMIT = (
    "INSERT INTO accounts_accountchange (account_id, actor_id, action, before, after, reason, at)"
    " SELECT id, owner_id, 'SET_OVERDRAFT_LIMIT', '0', '1', '', created_at FROM accounts_account"
    " WHERE balance = 100"
)
INSERT_EXTERNAL = (
    "INSERT INTO accounts_account (id, owner_name, owner_name_folded, currency, kind, status,"
    " balance, held, overdraft_limit, version, hold_version, metadata, created_at)"
    f" SELECT {NEW_ID}, 'x', 'x', 'CHF', kind, status, 0, 0, 0, 0, 0, metadata, created_at"
    " FROM accounts_account WHERE kind = 'EXTERNAL' AND currency = 'USD'"
)


def insert_hold(chained: str) -> str:
    """Return the SQL that copies the hold of 30, with this held amount and hold_sequence."""
    return INSERT_IN_CHAIN.format("HOLD", "expires_at, NULL", chained)


def insert_void(chained: str) -> str:
    """Return the SQL that voids the hold of 30, with this held amount and hold_sequence."""
    return INSERT_IN_CHAIN.format("VOID", "NULL, id", chained)


# Without the guards, SQLite would store these as an amount, and they pass the CHECKs.
NOT_INTEGERS = {
    "an account opened with half a cent": (
        "account_integers_on_insert",
        INSERT_ACCOUNT.format("0.5, 0, 0, 0, 0"),
    ),
    "an account opened with half a cent held": (
        "account_integers_on_insert",
        INSERT_ACCOUNT.format("1, 0.5, 0, 0, 0"),
    ),
    "an account opened with half a cent of overdraft": (
        "account_integers_on_insert",
        ("DROP TRIGGER account_opened", INSERT_ACCOUNT.format("0, 0, 0.5, 0, 0")),
    ),
    "an account opened with a version that is text": (
        "account_integers_on_insert",
        INSERT_ACCOUNT.format("0, 0, 0, 'many', 0"),
    ),
    "an account opened with a hold_version that is text": (
        "account_integers_on_insert",
        INSERT_ACCOUNT.format("0, 0, 0, 0, 'many'"),
    ),
    **{
        f"{column} that is half a cent": (
            "account_integers_on_update",
            (
                "DROP TRIGGER account_recorded",
                f"UPDATE accounts_account SET {column} = {column} + 0.5 WHERE balance = 100",
            ),
        )
        for column in ("balance", "held", "overdraft_limit")
    },
    **{
        f"a {column} that is text": (
            "account_integers_on_update",
            f"UPDATE accounts_account SET {column} = 'many' WHERE balance = 100",
        )
        for column in ("version", "hold_version")
    },
    "an entry of half a cent": ("entry_integers", INSERT_ENTRY.format("1.5, 102, 2")),
    "an entry with half a cent as its balance": (
        "entry_integers",
        INSERT_ENTRY.format("1, 101.5, 2"),
    ),
    "an entry whose sequence is text": ("entry_integers", INSERT_ENTRY.format("1, 101, 'next'")),
    "a transfer of half a cent": ("transfer_integers", INSERT_TRANSFER.format("1.5")),
    "a hold with half a cent held": (
        "transfer_integers",
        ("DROP TRIGGER transfer_held", insert_hold("60.5, 2")),
    ),
    "a hold whose hold_sequence is text": (
        "transfer_integers",
        ("DROP TRIGGER transfer_held", insert_hold("60, 'next'")),
    ),
}
HOLD_MORE = "UPDATE accounts_account SET held = {}, hold_version = {} WHERE balance = 100"
HOLDS = {
    "a hold that isn't added to the held amount": (HOLD_MORE.format(30, 2), insert_hold("30, 2")),
    "a void that keeps the amount held": (HOLD_MORE.format(30, 2), insert_void("30, 2")),
    "a void that releases too little": (HOLD_MORE.format(1, 2), insert_void("1, 2")),
    "a gap in the hold sequence": (HOLD_MORE.format(30, 3), insert_hold("30, 3")),
    "a hold without an update of the account": insert_hold("60, 2"),
    "a hold with another held amount in the account": (
        HOLD_MORE.format(61, 2),
        insert_hold("60, 2"),
    ),
    "a hold without a new hold_version in the account": (
        HOLD_MORE.format(60, 1),
        insert_hold("60, 2"),
    ),
}
ATTACKS = {
    **NOT_INTEGERS,
    **{name: ("transfer_held", attack) for name, attack in HOLDS.items()},
    "editing a transfer": (
        "transfer_refuse_update",
        "UPDATE transfers_transfer SET memo = 'x'",
    ),
    "deleting a transfer": (
        "transfer_refuse_delete",
        "DELETE FROM transfers_transfer WHERE kind = 'HOLD'",
    ),
    "editing an entry": ("entry_refuse_update", "UPDATE transfers_ledgerentry SET ts = ts"),
    "deleting an entry": ("entry_refuse_delete", "DELETE FROM transfers_ledgerentry"),
    "editing the record of who changed an account": (
        "change_refuse_update",
        "UPDATE accounts_accountchange SET after = 'x'",
    ),
    "deleting the record of who changed an account": (
        "change_refuse_delete",
        "DELETE FROM accounts_accountchange",
    ),
    "an entry on a closed account": (
        "entry_account",
        INSERT_ENTRY_ON_A_CLOSED_ACCOUNT,
    ),
    "an entry below the overdraft": ("entry_account", INSERT_ENTRY.format("1, -1, 2")),
    "an external account with another id": (
        "account_external_id",
        INSERT_EXTERNAL,
    ),
    "deleting an account": (
        "account_kept",
        "DELETE FROM accounts_account WHERE currency = 'JPY'",
    ),
    "changing an id": (
        "account_identity",
        f"UPDATE accounts_account SET id = {NEW_ID} WHERE balance = 0 AND owner_id > 0",
    ),
    "changing a kind": (
        "account_identity",
        "UPDATE accounts_account SET kind = 'CUSTOMER',"
        " owner_id = (SELECT max(id) FROM auth_user) WHERE kind = 'EXTERNAL'",
    ),
    "changing a currency": (
        "account_identity",
        "UPDATE accounts_account SET currency = 'EUR' WHERE kind = 'CUSTOMER'",
    ),
    "reopening a closed account": (
        "account_identity",
        (
            "DROP TRIGGER account_recorded",
            "UPDATE accounts_account SET status = 'OPEN' WHERE status = 'CLOSED'",
        ),
    ),
    "freezing without a record": (
        "account_recorded",
        "UPDATE accounts_account SET status = 'FROZEN' WHERE balance = 100",
    ),
    "a limit without a record": (
        "account_recorded",
        "UPDATE accounts_account SET overdraft_limit = 1 WHERE balance = 100",
    ),
    "a higher limit than recorded": (
        "account_recorded",
        (
            RECORD_A_LIMIT,
            "UPDATE accounts_account SET overdraft_limit = 2 WHERE balance = 100",
        ),
    ),
    "an account opened with a limit": (
        "account_opened",
        INSERT_ACCOUNT.format("0, 0, 1, 0, 0"),
    ),
    "an account opened frozen": (
        "account_opened",
        INSERT_ACCOUNT.replace("'OPEN'", "'FROZEN'").format("0, 0, 0, 0, 0"),
    ),
}


def inserts(values: str) -> dict[str, tuple[str, str | tuple[str, ...]]]:
    """Return for each id column its guard and an insert with ``values`` for the id."""
    account, change = INSERT_ACCOUNT.format("0, 0, 0, 0, 0"), RECORD_A_LIMIT
    entry, transfer = INSERT_ENTRY.format("1, 101, 2"), INSERT_TRANSFER.format("1")
    parties = "'TRANSFER', source_id, dest_id"
    reversing = transfer.replace("created_at)", "created_at, reverses_id)").replace(
        "created_at FROM", f"created_at, {values} FROM"
    )
    return {
        "an account": ("account_uuid", account.replace(NEW_ID, values)),
        "the account of a change": ("change_uuid", change.replace("id, owner", f"{values}, owner")),
        "an entry": ("entry_uuids", entry.replace(NEW_ID, values, 1)),
        "the account of an entry": (
            "entry_uuids",
            entry.replace(f"ts, account_id, {NEW_ID}", f"ts, {values}, {NEW_ID}"),
        ),
        "the transfer of an entry": (
            "entry_uuids",
            entry.replace(f"account_id, {NEW_ID}", f"account_id, {values}"),
        ),
        "a transfer": ("transfer_uuids", transfer.replace(NEW_ID, values)),
        "the source of a transfer": (
            "transfer_uuids",
            transfer.replace(parties, f"'TRANSFER', {values}, dest_id"),
        ),
        "the destination of a transfer": (
            "transfer_uuids",
            transfer.replace(parties, f"'TRANSFER', source_id, {values}"),
        ),
        "the hold of a VOID": (
            "transfer_uuids",
            (HOLD_MORE.format(0, 2), INSERT_IN_CHAIN.format("VOID", f"NULL, {values}", "0, 2")),
        ),
        "the original of a REVERSAL": (
            "transfer_uuids",
            reversing.replace("TRANSFER'", "REVERSAL'"),
        ),
    }


# Without the guards, SQLite would store these as an id, and every list with the row would fail.
NO_UUIDS = {
    "a word": "'zz'",
    "31 digits": f"'{'f' * 31}'",
    "33 digits": f"'{'f' * 33}'",
    "upper case": f"'{'F' * 32}'",
    "a blob": f"x'{'66' * 32}'",
    "a NUL after 32 digits": f"CAST(x'{'66' * 32}00' AS text)",
}
ATTACKS |= {
    f"{column} with {value} as its id": attack
    for value, text in NO_UUIDS.items()
    for column, attack in inserts(text).items()
}
