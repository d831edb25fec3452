"""
The database refuses a broken book, whoever writes to it: raw SQL against each guard.

Every attack is well-formed apart from the one guard it is for. That is shown, not claimed: each
is refused by that guard's name, and goes through when that guard alone is dropped.
"""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import external_account_id
from transfers import guards
from transfers.tests.handwritten import HandwrittenLedger, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger(alice, bob, funded_account) -> HandwrittenLedger:
    """Two accounts with 100 dollars each, and one with 100 euros."""
    ledger = HandwrittenLedger(
        alice=funded_account(alice, balance=100),
        bob=funded_account(bob, balance=100),
        euros=funded_account(bob, balance=100, currency="EUR"),
        user=alice,
    )
    # As if it were committed: what the deferred guards have to say, they have said.
    ledger.run("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED")
    return ledger


def refused(guard: str, attack, ledger: HandwrittenLedger) -> None:
    """Expect the database to refuse, in the name of ``guard``, and undo what was tried."""
    with pytest.raises(IntegrityError) as refusal:
        goes_through(attack, ledger)
    assert refusal.value.__cause__.diag.constraint_name == guard


def goes_through(attack, ledger: HandwrittenLedger) -> None:
    with transaction.atomic():
        attack(ledger)
        # The deferred guards speak at commit, which a test never reaches.
        ledger.run("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED")


def test_a_transfer_written_by_hand_in_the_right_way_goes_through(ledger):
    goes_through(lambda ledger: ledger.post(), ledger)

    assert rows("SELECT balance, version FROM accounts_account WHERE id = %s", ledger.alice.pk) == [
        (93, 2)
    ]


def test_a_hold_captured_by_hand_in_the_right_way_goes_through(ledger):
    def place_and_capture(ledger):
        held = ledger.hold(30)
        ledger.post(kind="CAPTURE", amount=20, hold=held, released=30)

    goes_through(place_and_capture, ledger)

    assert rows("SELECT balance, held FROM accounts_account WHERE id = %s", ledger.alice.pk) == [
        (80, 0)
    ]


def test_a_balance_may_go_through_the_overdraft_between_two_entries(ledger):
    ledger.update(ledger.alice.pk, "overdraft_limit = 50")

    goes_through(lambda ledger: ledger.there_and_back(150, ledger.bob.pk), ledger)

    assert rows(
        "SELECT balance FROM transfers_ledgerentry WHERE account_id = %s ORDER BY sequence",
        ledger.alice.pk,
    ) == [(100,), (-50,), (100,)]


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
        "transfer_append_only",
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
        "entry_append_only",
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
            ledger.update(account_id, f"status = '{status}'")
            for account_id in [ledger.fresh()]
            for status in ("CLOSED", "OPEN")
        ],
    ),
    "deleting an account, to insert another in its place": (
        "account_kept",
        lambda ledger: ledger.run("DELETE FROM accounts_account WHERE currency = 'JPY'"),
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
    "an account that is born rich": (
        "account_agrees",
        lambda ledger: ledger.fresh(balance=100, version=1),
    ),
    # The chain of entries.
    "an entry whose balance jumps": ("entry_chain", lambda ledger: ledger.post(debit_jump=1)),
    "a gap in the sequence": ("entry_chain", lambda ledger: ledger.post(debit_gap=1)),
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
    "an account that comes after its entry": (
        "entry_chain",
        lambda ledger: ledger.deposit_to_an_account_that_comes_later(),
    ),
    "spending what isn't there, and bringing it back": (
        "entry_chain",
        lambda ledger: ledger.there_and_back(150, ledger.bob.pk),
    ),
    "spending more than the overdraft, and bringing it back": (
        "entry_chain",
        lambda ledger: [
            ledger.update(ledger.alice.pk, "overdraft_limit = 49"),
            ledger.there_and_back(150, ledger.bob.pk),
        ],
    ),
    "money through a closed account": (
        "entry_chain",
        lambda ledger: ledger.there_and_back(7, ledger.fresh(status="CLOSED")),
    ),
    # The legs of a transfer.
    "a transfer without entries": ("transfer_legs", lambda ledger: ledger.post(legs=())),
    "a transfer with one leg": ("transfer_legs", lambda ledger: ledger.post(legs=("DEBIT",))),
    "legs of another amount": ("transfer_legs", lambda ledger: ledger.post(entered=8)),
    "a credit to somebody else": (
        "transfer_legs",
        lambda ledger: ledger.post(credit_to=ledger.third()),
    ),
    "a transfer later than its entries": (
        "transfer_legs",
        lambda ledger: ledger.post(created_at="2200-01-01 00:00Z"),
    ),
    # Of two guards the other one is dropped: it can't see what a rival is writing.
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
    "a transfer by nobody": ("transfer_kind", lambda ledger: ledger.post(by_nobody=True)),
    "a capture by another party": (
        "transfer_kind",
        lambda ledger: ledger.post(
            kind="CAPTURE", amount=30, hold=ledger.hold(30), released=30, dest=ledger.third()
        ),
    ),
    "a void of a part": (
        "transfer_kind",
        lambda ledger: ledger.void(ledger.hold(30), amount=29, released=30),
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
        lambda ledger: ledger.reverse(ledger.reverse(ledger.post(), back=True)),
    ),
    "a hold that holds nothing back": (
        "transfer_kind",
        lambda ledger: ledger.hold(30, held=0),
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_its_guard(ledger, name):
    guard, attack = ATTACKS[name]

    refused(guard, attack, ledger)


@pytest.mark.parametrize("name", ATTACKS)
def test_the_attack_goes_through_without_that_one_guard(ledger, name):
    guard, attack = ATTACKS[name]
    guards.drop(connection, guard)

    goes_through(attack, ledger)


def test_a_guard_means_the_same_wherever_its_installer_looks_for_names(ledger):
    ledger.run(
        "CREATE SCHEMA intruder",
        "CREATE FUNCTION intruder.never(varchar, varchar) RETURNS boolean LANGUAGE sql"
        " RETURN false",
        "CREATE OPERATOR intruder.<>"
        " (FUNCTION = intruder.never, LEFTARG = varchar, RIGHTARG = varchar)",
        "SET search_path = intruder, public, pg_catalog",
    )
    guards.drop(connection)
    guards.install(connection)

    assert rows("SHOW search_path") == [("intruder, public, pg_catalog",)]
    ledger.run("SET search_path TO DEFAULT")
    refused(*ATTACKS["opening what was closed for good"], ledger)


def test_every_guard_has_an_attack():
    assert {guard for guard, _ in ATTACKS.values()} == set(guards.names(connection))


CONSTRAINTS = {
    "account_never_overdrawn": lambda ledger: ledger.post(amount=101),
    "entry_sequence_once_per_account": lambda ledger: ledger.post(debit_gap=-1),
    "transfers_transfer_hold_id_key": lambda ledger: [
        ledger.void(held, amount=30, released=released)
        for held in [ledger.hold(30)]
        for released in (30, 0)
    ],
    "transfers_transfer_reverses_id_key": lambda ledger: [
        ledger.reverse(posted) for posted in [ledger.post()] for _ in range(2)
    ],
    "entry_one_debit_one_credit_per_transfer": lambda ledger: ledger.post(legs=("DEBIT", "DEBIT")),
}


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_a_constraint_refuses_what_needs_no_trigger(ledger, constraint):
    refused(constraint, CONSTRAINTS[constraint], ledger)
