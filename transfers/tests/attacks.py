"""
Attacks on a ledger written by hand, by what they do: the guard that refuses each, and the attack.

Each is well-formed apart from the one guard it is for.
"""

from django.db import connection
from uuid_utils.compat import uuid7

from accounts.models import external_account_id
from transfers import guards

# PostgreSQL prefers an operator of exactly the types at hand, wherever on the path it finds it, to
# its own of wider types.
SHADOWS = (
    "CREATE SCHEMA intruder",
    "CREATE FUNCTION intruder.never(bigint, numeric) RETURNS boolean LANGUAGE sql RETURN false",
    *(
        f"CREATE OPERATOR {schema}.<> (FUNCTION = intruder.never, LEFTARG = bigint,"
        " RIGHTARG = numeric)"
        for schema in ("intruder", "public")
    ),
    "SET search_path = intruder, public",
)

ATTACKS = {
    # History is edited, deleted or emptied.
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
            "TRUNCATE transfers_transfer, transfers_ledgerentry",
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
    "moving a leg to another account": (
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
        lambda ledger: ledger.run("TRUNCATE accounts_accountchange"),
    ),
    # What an account is.
    "changing a currency": (
        "account_identity",
        lambda ledger: ledger.update(ledger.fresh(), "currency = 'EUR'"),
    ),
    "changing an id": (
        "account_identity",
        lambda ledger: ledger.update(ledger.fresh(), "id = gen_random_uuid()"),
    ),
    "changing a kind": (
        "account_identity",
        lambda ledger: ledger.update(
            ledger.fresh(currency="CHF"), "kind = 'EXTERNAL', owner_id = NULL"
        ),
    ),
    "opening what was closed for good": (
        "account_identity",
        lambda ledger: [
            ledger.set_status(account_id, status)
            for account_id in [ledger.fresh()]
            for status in ("CLOSED", "OPEN")
        ],
    ),
    "deleting an account, to insert another in its place": (
        "account_kept",
        lambda ledger: ledger.run("DELETE FROM accounts_account WHERE currency = 'JPY'"),
    ),
    "truncating accounts": (
        "account_not_truncated",
        lambda ledger: ledger.run(
            "ALTER TABLE transfers_ledgerentry DISABLE TRIGGER USER",
            "ALTER TABLE transfers_transfer DISABLE TRIGGER USER",
            "ALTER TABLE accounts_accountchange DISABLE TRIGGER USER",
            "TRUNCATE accounts_account CASCADE",
        ),
    ),
    "an outside world where no posting looks for it": (
        "account_external_id",
        lambda ledger: ledger.fresh(kind="EXTERNAL", currency="CHF"),
    ),
    "the outside world of another currency": (
        "account_external_id",
        lambda ledger: ledger.fresh(
            kind="EXTERNAL", currency="CHF", account_id=external_account_id("CHE")
        ),
    ),
    # A status or a limit that nobody is named for.
    "freezing without a record": (
        "account_recorded",
        lambda ledger: ledger.update(ledger.alice.pk, "status = 'FROZEN'"),
    ),
    "unfreezing by the record of the freeze": (
        "account_recorded",
        lambda ledger: [
            ledger.set_status(ledger.alice.pk, "FROZEN"),
            ledger.update(ledger.alice.pk, "status = 'OPEN'"),
        ],
    ),
    "a limit without a record": (
        "account_recorded",
        lambda ledger: ledger.update(ledger.alice.pk, "overdraft_limit = 1"),
    ),
    "a higher limit than the record says": (
        "account_recorded",
        lambda ledger: [
            ledger.set_limit(ledger.alice.pk, 10),
            ledger.update(ledger.alice.pk, "overdraft_limit = 100"),
        ],
    ),
    "a limit by the record of another account's": (
        "account_recorded",
        lambda ledger: [
            ledger.set_limit(ledger.bob.pk, 10),
            ledger.update(ledger.alice.pk, "overdraft_limit = 10"),
        ],
    ),
    "an account that is born with a limit": (
        "account_opened",
        lambda ledger: ledger.fresh(overdraft_limit=1),
    ),
    "an account that is born frozen": (
        "account_opened",
        lambda ledger: ledger.run(
            "INSERT INTO accounts_account"
            " SELECT (jsonb_populate_record(account, jsonb_build_object('id', gen_random_uuid(),"
            " 'status', 'FROZEN', 'balance', 0, 'version', 0, 'last_posted_at', NULL))).*"
            f" FROM accounts_account account WHERE id = '{ledger.alice.pk}'"
        ),
    ),
    # The row disagrees with its history.
    "a balance that no entry explains": (
        "account_agrees",
        lambda ledger: ledger.update(ledger.alice.pk, "balance = balance + 1"),
    ),
    "a version that no entry explains": (
        "account_agrees",
        lambda ledger: ledger.update(ledger.alice.pk, "version = version + 1"),
    ),
    "a time that no entry explains": (
        "account_agrees",
        lambda ledger: ledger.update(ledger.alice.pk, "last_posted_at = '2999-01-01 00:00Z'"),
    ),
    "a table of the intruder's that hides the real one": (
        "account_agrees",
        lambda ledger: ledger.run(
            "CREATE TEMPORARY TABLE accounts_account (LIKE public.accounts_account)",
            f"UPDATE public.accounts_account SET balance = 9 WHERE id = '{ledger.alice.pk}'",
            "DROP TABLE pg_temp.accounts_account",
        ),
    ),
    "an operator of the intruder's that calls what differs equal": (
        "account_agrees",
        lambda ledger: ledger.run(
            *SHADOWS,
            f"UPDATE accounts_account SET held = 1 WHERE id = '{ledger.alice.pk}'",
            "SET CONSTRAINTS ALL IMMEDIATE",
            "SET search_path TO DEFAULT",
        ),
    ),
    "money held for no hold": (
        "account_agrees",
        lambda ledger: ledger.update(ledger.alice.pk, "held = 1"),
    ),
    "an account that is born with money held": (
        "account_agrees",
        lambda ledger: [
            guards.drop(connection, "account_opened"),
            ledger.fresh(held=1, overdraft_limit=1),
        ],
    ),
    "an account that is born rich": (
        "account_agrees",
        lambda ledger: ledger.fresh(balance=100, version=1),
    ),
    # The chain of entries.
    "an entry whose balance jumps": ("entry_chain", lambda ledger: ledger.post(debit_jump=1)),
    "a gap in the sequence": ("entry_chain", lambda ledger: ledger.post(debit_gap=1)),
    "a first entry that is number two": (
        "entry_chain",
        lambda ledger: ledger.post(dest=ledger.third(), credit_gap=1),
    ),
    "an entry without a place in the chain": (
        "entry_chain",
        lambda ledger: ledger.post(debit_unsequenced=True),
    ),
    "a running balance of the outside world": (
        "entry_chain",
        lambda ledger: ledger.post(kind="DEPOSIT", external_balance=-7),
    ),
    "time that runs backwards": ("entry_chain", lambda ledger: ledger.post(ts="2020-01-01 00:00Z")),
    "entries that the account's row ignores": (
        "entry_chain",
        lambda ledger: ledger.post(update_accounts=False),
    ),
    "entries between which the account's row stays as it is": (
        "entry_chain",
        lambda ledger: ledger.there_and_back(
            7, ledger.alice.pk, ledger.bob.pk, update_accounts=False
        ),
    ),
    "an account that comes after its entries, and owed in between": (
        "entry_chain",
        lambda ledger: ledger.there_and_back(7, uuid7(), ledger.alice.pk, comes_later=True),
    ),
    "spending what isn't there, and bringing it back": (
        "entry_chain",
        lambda ledger: ledger.there_and_back(150, ledger.alice.pk, ledger.bob.pk),
    ),
    "spending more than the overdraft, and bringing it back": (
        "entry_chain",
        lambda ledger: [
            ledger.set_limit(ledger.alice.pk, 49),
            ledger.there_and_back(150, ledger.alice.pk, ledger.bob.pk),
        ],
    ),
    "money through a closed account": (
        "entry_chain",
        lambda ledger: ledger.there_and_back(7, ledger.alice.pk, ledger.closed()),
    ),
    # The legs of a transfer.
    "a transfer without entries": ("transfer_legs", lambda ledger: ledger.post(legs=())),
    "a transfer with one leg": ("transfer_legs", lambda ledger: ledger.post(legs=("DEBIT",))),
    "legs of another amount": (
        "transfer_legs",
        lambda ledger: ledger.post(debited=8, credited=8),
    ),
    "a debit of 7 and a credit of 100": (
        "transfer_legs",
        lambda ledger: ledger.post(credited=100),
    ),
    "a debit of 1 and a credit of 7": ("transfer_legs", lambda ledger: ledger.post(debited=1)),
    "a debit of somebody else": (
        "transfer_legs",
        lambda ledger: ledger.post(debit_from=ledger.third(overdraft_limit=100)),
    ),
    "a capture that debits somebody else": (
        "transfer_legs",
        lambda ledger: ledger.post(
            kind="CAPTURE",
            amount=30,
            hold=ledger.hold(30),
            released=30,
            debit_from=ledger.third(overdraft_limit=100),
        ),
    ),
    "a credit in another currency": (
        "transfer_legs",
        lambda ledger: ledger.post(credit_to=ledger.euros),
    ),
    "a credit to somebody else": (
        "transfer_legs",
        lambda ledger: ledger.post(credit_to=ledger.third()),
    ),
    "a transfer later than its entries": (
        "transfer_legs",
        lambda ledger: ledger.post(created_at="2200-01-01 00:00Z"),
    ),
    # Of two guards the other one is dropped: it can't see what a rival is writing.
    "a hold that has moved money": (
        "transfer_legs",
        lambda ledger: [
            guards.drop(connection, "entry_transfer"),
            ledger.hold(30, with_legs=True),
        ],
    ),
    "a void that has moved money": (
        "transfer_legs",
        lambda ledger: [
            guards.drop(connection, "entry_transfer"),
            ledger.post(
                kind="CAPTURE", as_kind="VOID", amount=30, hold=ledger.hold(30), released=30
            ),
        ],
    ),
    "a void that moves money": (
        "entry_transfer",
        lambda ledger: [
            guards.drop(connection, "transfer_legs"),
            ledger.post(
                kind="CAPTURE", as_kind="VOID", amount=30, hold=ledger.hold(30), released=30
            ),
        ],
    ),
    "a hold that moves money": (
        "entry_transfer",
        lambda ledger: [
            guards.drop(connection, "transfer_legs"),
            ledger.hold(30, with_legs=True),
        ],
    ),
    # What a kind of transfer is.
    "a currency of neither account": (
        "transfer_kind",
        lambda ledger: ledger.post(currency="EUR"),
    ),
    "a transfer across currencies": (
        "transfer_kind",
        lambda ledger: ledger.post(dest=ledger.euros),
    ),
    "a transfer from an account of another currency": (
        "transfer_kind",
        lambda ledger: ledger.post(source=ledger.euros),
    ),
    "a transfer to the outside world": (
        "transfer_kind",
        lambda ledger: ledger.post(kind="WITHDRAWAL", as_kind="TRANSFER"),
    ),
    "a withdrawal to a customer": (
        "transfer_kind",
        lambda ledger: ledger.post(as_kind="WITHDRAWAL"),
    ),
    "a hold for the outside world": (
        "transfer_kind",
        lambda ledger: ledger.hold(30, dest_id=external_account_id("USD")),
    ),
    "a deposit from a customer": ("transfer_kind", lambda ledger: ledger.post(as_kind="DEPOSIT")),
    "a transfer from the outside world": (
        "transfer_kind",
        lambda ledger: ledger.post(kind="DEPOSIT", as_kind="TRANSFER"),
    ),
    "a capture above its hold": (
        "transfer_kind",
        lambda ledger: ledger.post(kind="CAPTURE", amount=31, hold=ledger.hold(30), released=30),
    ),
    "a capture of a hold that has expired": (
        "transfer_kind",
        lambda ledger: ledger.post(
            kind="CAPTURE",
            amount=30,
            hold=ledger.hold(30, expires_at="2019-01-01 00:00Z"),
            released=30,
        ),
    ),
    "a capture at the moment that its hold expires": (
        "transfer_kind",
        lambda ledger: ledger.post(
            kind="CAPTURE",
            amount=30,
            hold=ledger.hold(30, expires_at="2020-01-02 00:00Z"),
            released=30,
            created_at="2020-01-02 00:00Z",
        ),
    ),
    "a capture that keeps the money held": (
        "transfer_kind",
        lambda ledger: ledger.post(kind="CAPTURE", amount=30, hold=ledger.committed_hold(30)),
    ),
    "a capture from somebody else": (
        "transfer_kind",
        lambda ledger: ledger.post(
            kind="CAPTURE",
            amount=30,
            hold=ledger.committed_hold(30),
            source=ledger.third(overdraft_limit=100),
        ),
    ),
    "a void that keeps the money held": (
        "transfer_kind",
        lambda ledger: ledger.void(ledger.committed_hold(30), released=0),
    ),
    "a void by another party": (
        "transfer_kind",
        lambda ledger: ledger.void(ledger.hold(30), dest=ledger.third()),
    ),
    "a void by nobody before the hold expires": (
        "transfer_kind",
        lambda ledger: ledger.void(
            ledger.hold(30, expires_at="2020-01-02 00:00Z"),
            created_at="2020-01-01 23:59:59.999999Z",
            by_nobody=True,
        ),
    ),
    "a void of what is no hold": (
        "transfer_kind",
        lambda ledger: ledger.void(ledger.post(), amount=7, released=0),
    ),
    "a transfer by nobody": ("transfer_kind", lambda ledger: ledger.post(by_nobody=True)),
    "a capture by another party": (
        "transfer_kind",
        lambda ledger: ledger.post(
            kind="CAPTURE", amount=30, hold=ledger.hold(30), released=30, dest=ledger.third()
        ),
    ),
    "a void of a part": (
        "transfer_kind",
        lambda ledger: ledger.void(ledger.hold(30), amount=29),
    ),
    "a capture of what is no hold": (
        "transfer_kind",
        lambda ledger: ledger.post(kind="CAPTURE", hold=ledger.post()),
    ),
    "a reversal that mirrors nothing": (
        "transfer_kind",
        lambda ledger: ledger.post(kind="REVERSAL", reverses=ledger.post()),
    ),
    "a reversal of a reversal": (
        "transfer_kind",
        lambda ledger: ledger.reverse(ledger.reverse(ledger.post())),
    ),
    "a reversal of a part": (
        "transfer_kind",
        lambda ledger: ledger.reverse(ledger.post(), amount=6),
    ),
    "a reversal of a hold": (
        "transfer_kind",
        lambda ledger: ledger.reverse(ledger.hold(30), amount=30),
    ),
    "a reversal of a void": (
        "transfer_kind",
        lambda ledger: ledger.reverse(ledger.void(ledger.hold(30)), amount=30),
    ),
    "a transfer from a frozen account": (
        "transfer_kind",
        lambda ledger: [ledger.set_status(ledger.alice.pk, "FROZEN"), ledger.post()],
    ),
    "a transfer to a frozen account": (
        "transfer_kind",
        lambda ledger: [ledger.set_status(ledger.bob.pk, "FROZEN"), ledger.post()],
    ),
    "a deposit to a frozen account": (
        "transfer_kind",
        lambda ledger: [ledger.set_status(ledger.bob.pk, "FROZEN"), ledger.post(kind="DEPOSIT")],
    ),
    "a hold for a frozen account": (
        "transfer_kind",
        lambda ledger: [ledger.set_status(ledger.bob.pk, "FROZEN"), ledger.hold(30)],
    ),
    "a hold for a closed account": (
        "transfer_kind",
        lambda ledger: ledger.hold(30, dest_id=ledger.closed()),
    ),
    "a hold that holds nothing back": (
        "transfer_kind",
        lambda ledger: ledger.hold(30, held=0),
    ),
}
