"""
What the guards refuse in earnest: to the application's own role, at a real COMMIT, in a race.

The role is made as ``docs/operations.md`` says, by its own statements.
"""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from ledger_project.tests.pages import text
from transfers import guards, services
from transfers.integrity import check_ledger
from transfers.services import Order
from transfers.tests.attacks import ATTACKS
from transfers.tests.handwritten import HandwrittenLedger, rows

pytestmark = pytest.mark.django_db(transaction=True)

NOT_ALLOWED = "42501"


@pytest.fixture
def as_application(handwritten) -> Iterator[None]:
    """Log in as the role of the application, once there is a ledger to attack."""
    if not rows("SELECT FROM pg_roles WHERE rolname = 'ledger_app'"):
        pytest.skip("This PostgreSQL has no role ledger_app; tools/with_postgres.py makes one.")
    blocks = re.findall(r"```sql\n(.*?)```", text("docs/operations.md"), re.DOTALL)
    handwritten.run(*(block for block in blocks if block.startswith("GRANT")))
    owner = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = "ledger_app"
    yield
    connection.close()
    connection.settings_dict["USER"] = owner


def committed(attack: Callable[[HandwrittenLedger], object], ledger: HandwrittenLedger) -> None:
    with transaction.atomic(durable=True):
        attack(ledger)


def test_no_attack_gets_past_the_role_of_the_application(
    handwritten, as_application, assert_books_balance
):
    speaking = set()

    for name, (guard, attack) in ATTACKS.items():
        with pytest.raises(DatabaseError) as refusal:
            committed(attack, handwritten)
        refused = refusal.value.__cause__.diag
        assert refused.constraint_name == guard or refused.sqlstate == NOT_ALLOWED, name
        speaking.add(refused.constraint_name)

    # What isn't granted needs no guard; of what is, some speak only at the commit.
    assert speaking - {None} == {
        "account_agrees",
        "account_external_id",
        "account_identity",
        "account_opened",
        "account_recorded",
        "entry_chain",
        "transfer_kind",
        "transfer_legs",
    }
    assert check_ledger().ok
    assert_books_balance()


def test_the_role_of_the_application_can_do_what_is_right(handwritten, as_application, alice):
    committed(lambda ledger: ledger.reverse(ledger.post()), handwritten)
    order = Order(source_id=handwritten.alice.pk, dest_id=handwritten.bob.pk, amount=7)

    services.transfer(order=order, actor=alice)

    assert rows("SELECT balance FROM accounts_account WHERE id = %s", handwritten.alice.pk) == [
        (93,)
    ]
    assert check_ledger().ok


# ── Two sessions ─────────────────────────────────────────────────────────────────────────────────


def wait_for_a_lock() -> None:
    """Wait until the rival waits for what this session has written."""
    for _ in range(500):
        if rows("SELECT FROM pg_locks WHERE NOT granted"):
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def refused_to_the_second(write: Callable[[], object]) -> str:
    """Let two sessions write the same before either commits; return what refuses the second."""

    def rival() -> str:
        try:
            with pytest.raises(IntegrityError) as refusal, transaction.atomic():
                write()
            return refusal.value.__cause__.diag.constraint_name
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            write()
            second = threads.submit(rival)
            wait_for_a_lock()
        return second.result()


def test_of_two_sessions_that_write_the_same_entries_one_is_refused(
    handwritten, assert_books_balance
):
    # The second has read its balance and its version before the first commits.
    assert refused_to_the_second(handwritten.post) == "entry_sequence_once_per_account"
    assert_books_balance()


def test_of_two_sessions_that_hold_the_same_money_one_is_refused(handwritten, assert_books_balance):
    assert refused_to_the_second(lambda: handwritten.hold(100)) == "account_never_overdrawn"
    assert_books_balance()


def enter_for_a_hold_that_a_rival_places(ledger: HandwrittenLedger) -> None:
    """Enter a transfer of alice's that another session meanwhile writes as a HOLD of a third."""
    third = ledger.third(overdraft_limit=100)

    def place(transfer_id: UUID) -> None:
        try:
            with transaction.atomic():
                ledger.hold(30, source=third, transfer_id=transfer_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        transfer_id = ledger.post(with_transfer=False)
        # Neither sees what the other writes, and each is right by what it sees.
        threads.submit(place, transfer_id).result()


def test_entries_are_refused_whose_transfer_a_rival_has_written_as_a_hold(handwritten):
    with pytest.raises(IntegrityError) as refusal:
        enter_for_a_hold_that_a_rival_places(handwritten)

    assert refusal.value.__cause__.diag.constraint_name == "entry_transfer"
    assert check_ledger().ok


def test_they_would_be_there_without_that_one_guard(handwritten):
    guards.drop(connection, "entry_transfer")

    enter_for_a_hold_that_a_rival_places(handwritten)

    assert not check_ledger().ok
