"""
The guards of PostgreSQL, each attacked with raw SQL.

Each attack violates only the guard that it is meant for. The tests prove this: it is refused in
the name of that guard, and succeeds if that guard alone is dropped.
"""

import pytest
from django.db import IntegrityError, connection, transaction

from ledger_project.tests.savepoints import rolled_back
from transfers.guards import guards
from transfers.tests.attacks import ATTACKS
from transfers.tests.handwritten import HandwrittenLedger
from transfers.tests.handwritten_rows import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger(handwritten) -> HandwrittenLedger:
    handwritten.committed()
    return handwritten


def refused(guard: str, attack, ledger: HandwrittenLedger) -> None:
    """Assert that ``guard`` refuses the statements of the block, and roll them back."""
    with pytest.raises(IntegrityError) as refusal:
        goes_through(attack, ledger)
    assert refusal.value.__cause__.diag.constraint_name == guard


def goes_through(attack, ledger: HandwrittenLedger) -> None:
    with transaction.atomic():
        attack(ledger)
        # Deferred guards run at commit, which the test doesn't reach.
        ledger.committed()


def test_a_correct_handwritten_transfer_is_accepted(ledger):
    goes_through(lambda ledger: ledger.post(), ledger)

    assert rows("SELECT balance, version FROM accounts_account WHERE id = %s", ledger.alice.pk) == [
        (93, 2)
    ]


def test_a_correct_handwritten_capture_is_accepted(ledger):
    def place_and_capture(ledger):
        held = ledger.hold(30)
        ledger.post(kind="CAPTURE", amount=20, hold=held, released=30)

    goes_through(place_and_capture, ledger)

    assert rows("SELECT balance, held FROM accounts_account WHERE id = %s", ledger.alice.pk) == [
        (80, 0)
    ]


def test_a_void_without_a_user_at_the_expiry_is_accepted(ledger):
    def place_and_release(ledger):
        held = ledger.hold(30, expires_at="2020-01-02 00:00Z")
        ledger.void(held, created_at="2020-01-02 00:00Z", by_nobody=True)

    goes_through(place_and_release, ledger)

    assert rows("SELECT balance, held FROM accounts_account WHERE id = %s", ledger.alice.pk) == [
        (100, 0)
    ]


def test_a_correct_handwritten_reversal_is_accepted(ledger):
    goes_through(lambda ledger: ledger.reverse(ledger.post()), ledger)

    assert rows("SELECT balance FROM accounts_account WHERE id = %s", ledger.alice.pk) == [(100,)]


def test_a_void_and_a_reversal_on_a_frozen_account_are_accepted(ledger):
    def undo_what_was_done(ledger):
        posted, held = ledger.post(), ledger.hold(30)
        for account in (ledger.alice, ledger.bob):
            ledger.set_status(account.pk, "FROZEN")
        ledger.reverse(posted)
        ledger.void(held)

    goes_through(undo_what_was_done, ledger)

    assert rows("SELECT balance, held FROM accounts_account WHERE id = %s", ledger.alice.pk) == [
        (100, 0)
    ]


def test_a_void_of_a_hold_with_a_closed_destination_is_accepted(ledger):
    def close_and_void(ledger):
        third = ledger.third()
        held = ledger.hold(30, dest_id=third.pk)
        ledger.set_status(third.pk, "CLOSED")
        ledger.void(held, dest=third)

    goes_through(close_and_void, ledger)

    assert rows("SELECT held FROM accounts_account WHERE id = %s", ledger.alice.pk) == [(0,)]


def test_a_balance_may_go_through_the_overdraft_between_two_entries(ledger):
    ledger.set_limit(ledger.alice.pk, 50)

    goes_through(lambda ledger: ledger.there_and_back(150, ledger.alice.pk, ledger.bob.pk), ledger)

    assert rows(
        "SELECT balance FROM transfers_ledgerentry WHERE account_id = %s ORDER BY sequence",
        ledger.alice.pk,
    ) == [(100,), (-50,), (100,)]


def test_an_attack_is_refused_by_its_guard(ledger, subtests):
    for name, (guard, attack) in ATTACKS.items():
        with subtests.test(name), rolled_back():
            refused(guard, attack, ledger)


def test_an_attack_succeeds_without_its_guard(ledger, subtests):
    for name, (guard, attack) in ATTACKS.items():
        with subtests.test(name), rolled_back():
            guards.drop(connection, guard)

            goes_through(attack, ledger)


def test_a_guard_does_not_depend_on_the_search_path_of_its_installer(ledger):
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
    refused(*ATTACKS["reopening a closed account"], ledger)


def test_every_guard_has_an_attack():
    assert {guard for guard, _ in ATTACKS.values()} == set(guards.names(connection))


CONSTRAINTS = {
    "account_never_overdrawn": lambda ledger: ledger.post(amount=101),
    "entry_sequence_once_per_account": lambda ledger: ledger.post(debit_gap=-1),
    "transfers_transfer_hold_id_key": lambda ledger: [
        ledger.void(held, released=released) for held in [ledger.hold(30)] for released in (30, 0)
    ],
    "transfers_transfer_reverses_id_key": lambda ledger: [
        ledger.reverse(posted) for posted in [ledger.post()] for _ in range(2)
    ],
    "entry_one_debit_one_credit_per_transfer": lambda ledger: ledger.post(legs=("DEBIT", "DEBIT")),
}


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_a_constraint_refuses_attacks_that_need_no_guard(ledger, constraint):
    refused(constraint, CONSTRAINTS[constraint], ledger)
