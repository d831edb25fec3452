"""Attacks that change what an account is, or make its row disagree with its history."""

from django.db import connection
from uuid_utils.compat import uuid7

from accounts.models import external_account_id
from transfers.guards import guards

# PostgreSQL prefers an operator for exactly the operands' types, anywhere on the search path, to
# its own operator for wider types.
SHADOWS = (
    "CREATE SCHEMA intruder",
    "CREATE FUNCTION intruder.never(varchar, varchar) RETURNS boolean LANGUAGE sql RETURN false",
    *(
        f"CREATE OPERATOR {schema}.<> (FUNCTION = intruder.never, LEFTARG = varchar,"
        " RIGHTARG = varchar)"
        for schema in ("intruder", "public")
    ),
    "SET search_path = intruder, public",
)

ACCOUNT_ATTACKS = {
    # The identity of an account.
    "changing a currency": (
        "account_identity",
        lambda ledger: ledger.update(ledger.fresh(), "currency = 'EUR'"),
    ),
    "changing an id": (
        "account_identity",
        lambda ledger: ledger.update(ledger.fresh(), f"id = '{uuid7()}'"),
    ),
    "changing a kind": (
        "account_identity",
        lambda ledger: ledger.update(
            ledger.fresh(currency="CHF"), "kind = 'EXTERNAL', owner_id = NULL"
        ),
    ),
    "reopening a closed account": (
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
            "ALTER TABLE approvals_approval DISABLE TRIGGER USER",
            "TRUNCATE accounts_account CASCADE",
        ),
    ),
    "an external account with another id": (
        "account_external_id",
        lambda ledger: ledger.fresh(kind="EXTERNAL", currency="CHF"),
    ),
    "an external account with the id of another currency": (
        "account_external_id",
        lambda ledger: ledger.fresh(
            kind="EXTERNAL", currency="CHF", account_id=external_account_id("CHE")
        ),
    ),
    # A status or limit without a record of the change.
    "freezing without a record": (
        "account_recorded",
        lambda ledger: ledger.update(ledger.alice.pk, "status = 'FROZEN'"),
    ),
    "unfreezing with only the record of the freeze": (
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
    "a higher limit than recorded": (
        "account_recorded",
        lambda ledger: [
            ledger.set_limit(ledger.alice.pk, 10),
            ledger.update(ledger.alice.pk, "overdraft_limit = 100"),
        ],
    ),
    "a limit with only the record of another account": (
        "account_recorded",
        lambda ledger: [
            ledger.set_limit(ledger.bob.pk, 10),
            ledger.update(ledger.alice.pk, "overdraft_limit = 10"),
        ],
    ),
    "an account opened with a limit": (
        "account_opened",
        lambda ledger: ledger.fresh(overdraft_limit=1),
    ),
    "an account opened frozen": (
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
    "an intruder's table that shadows the real one": (
        "account_agrees",
        lambda ledger: ledger.run(
            "CREATE TEMPORARY TABLE accounts_account (LIKE public.accounts_account)",
            f"UPDATE public.accounts_account SET balance = 9 WHERE id = '{ledger.alice.pk}'",
            "DROP TABLE pg_temp.accounts_account",
        ),
    ),
    "an intruder's operator that makes unequal values equal": (
        "transfer_kind",
        lambda ledger: [
            ledger.run(*SHADOWS),
            ledger.post(as_kind="DEPOSIT"),
            ledger.run("SET CONSTRAINTS ALL IMMEDIATE", "SET search_path TO DEFAULT"),
        ],
    ),
    "a held amount without a hold": (
        "account_agrees",
        lambda ledger: ledger.update(ledger.alice.pk, "held = 1"),
    ),
    "a held amount without its hold any more": (
        "account_agrees",
        lambda ledger: [
            ledger.committed_hold(30),
            ledger.update(ledger.alice.pk, "held = 0"),
        ],
    ),
    "a hold_version that no hold explains": (
        "account_agrees",
        lambda ledger: ledger.update(ledger.alice.pk, "hold_version = hold_version + 1"),
    ),
    "a hold_version below the newest hold": (
        "account_agrees",
        lambda ledger: [
            ledger.void(ledger.hold(30)),
            ledger.committed(),
            ledger.update(ledger.alice.pk, "hold_version = 0"),
        ],
    ),
    "an account opened with a held amount": (
        "account_agrees",
        lambda ledger: [
            guards.drop(connection, "account_opened"),
            ledger.fresh(held=1, overdraft_limit=1),
        ],
    ),
    "an account opened with a balance": (
        "account_agrees",
        lambda ledger: ledger.fresh(balance=100, version=1),
    ),
}
