"""The guards of SQLite, a subset of those of PostgreSQL (see ``docs/guarantees.md``)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services import close
from transfers import guards
from transfers.services import Order, hold

pytestmark = pytest.mark.django_db

NEW_ID = "lower(hex(randomblob(16)))"
INSERT_ACCOUNT = (
    "INSERT INTO accounts_account (id, owner_id, owner_name, owner_name_folded, currency, kind,"
    " status, balance, held, overdraft_limit, version, metadata, created_at)"
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
    " balance, held, overdraft_limit, version, metadata, created_at)"
    f" SELECT {NEW_ID}, 'x', 'x', 'CHF', kind, status, 0, 0, 0, 0, metadata, created_at"
    " FROM accounts_account WHERE kind = 'EXTERNAL' AND currency = 'USD'"
)
# Without the guards, SQLite would store these as an amount, and they pass the CHECKs.
NOT_INTEGERS = {
    "an account opened with half a cent": (
        "account_integers_on_insert",
        INSERT_ACCOUNT.format("0.5, 0, 0, 0"),
    ),
    "an account opened with half a cent held": (
        "account_integers_on_insert",
        INSERT_ACCOUNT.format("1, 0.5, 0, 0"),
    ),
    "an account opened with half a cent of overdraft": (
        "account_integers_on_insert",
        ("DROP TRIGGER account_opened", INSERT_ACCOUNT.format("0, 0, 0.5, 0")),
    ),
    "an account opened with a version that is text": (
        "account_integers_on_insert",
        INSERT_ACCOUNT.format("0, 0, 0, 'many'"),
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
    "a version that is text": (
        "account_integers_on_update",
        "UPDATE accounts_account SET version = 'many' WHERE balance = 100",
    ),
    "an entry of half a cent": ("entry_integers", INSERT_ENTRY.format("1.5, 102, 2")),
    "an entry with half a cent as its balance": (
        "entry_integers",
        INSERT_ENTRY.format("1, 101.5, 2"),
    ),
    "an entry whose sequence is text": ("entry_integers", INSERT_ENTRY.format("1, 101, 'next'")),
    "a transfer of half a cent": ("transfer_integers", INSERT_TRANSFER.format("1.5")),
}
ATTACKS = {
    **NOT_INTEGERS,
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
        INSERT_ACCOUNT.format("0, 0, 1, 0"),
    ),
    "an account opened frozen": (
        "account_opened",
        INSERT_ACCOUNT.replace("'OPEN'", "'FROZEN'").format("0, 0, 0, 0"),
    ),
}


def inserts(values: str) -> dict[str, tuple[str, str]]:
    """Return for each id column its guard and an insert with ``values`` for the id."""
    account, change = INSERT_ACCOUNT.format("0, 0, 0, 0"), RECORD_A_LIMIT
    entry, transfer = INSERT_ENTRY.format("1, 101, 2"), INSERT_TRANSFER.format("1")
    parties = "'TRANSFER', source_id, dest_id"
    resolving = transfer.replace("created_at)", "created_at, hold_id)").replace(
        "created_at FROM", f"created_at, {values} FROM"
    )
    reversing = resolving.replace("hold_id", "reverses_id")
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
        "the hold of a VOID": ("transfer_uuids", resolving.replace("TRANSFER'", "VOID'")),
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


@pytest.fixture
def history(api, alice, bob, funded_account):
    """A renamed account with a balance of 100 and a hold, and a closed account."""
    account = funded_account(alice, balance=100)
    order = Order(source_id=account.pk, dest_id=funded_account(bob).pk, amount=30)
    hold(order=order, expires_in=timedelta(days=1), actor=alice)
    assert api.patch(f"/accounts/{account.pk}", {"owner_name": "renamed"}).status_code == 200
    close(account_id=funded_account(alice).pk, actor=alice)
    return account


def run(sql: str | tuple[str, ...], *, undo: bool = True) -> None:
    *before, last = (sql,) if isinstance(sql, str) else sql
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in before:
            cursor.execute(statement)
        cursor.execute(last)
        assert cursor.rowcount > 0
        # Dangling references would fail at the end of the test.
        transaction.set_rollback(undo)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_its_guard(history, name):
    guard, attack = ATTACKS[name]

    with pytest.raises(IntegrityError, match=f"^{guard}: "):
        run(attack)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_succeeds_without_its_guard(history, name):
    guard, attack = ATTACKS[name]
    guards.drop(connection, guard)

    run(attack)


def test_history_cannot_be_changed_by_insert_or_replace(history):
    columns = "id, ts, account_id, transfer_id, type, balance, sequence"

    with pytest.raises(IntegrityError, match=r"^entry_refuse_delete: "):
        run(
            f"REPLACE INTO transfers_ledgerentry ({columns}, amount)"
            f" SELECT {columns}, 1 FROM transfers_ledgerentry WHERE sequence = 1"
        )


def test_an_entry_within_the_overdraft_is_accepted(history):
    granted = "UPDATE accounts_account SET overdraft_limit = 1 WHERE balance = 100"
    run((RECORD_A_LIMIT, granted), undo=False)

    run(INSERT_ENTRY.format("101, -1, 2"))


def test_every_guard_has_an_attack():
    assert {guard for guard, _ in ATTACKS.values()} == set(guards.names(connection))
