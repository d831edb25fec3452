"""
The guards with the application's own role, at real commits, and in races.

The role is created by the statements in ``docs/databases.md``.
"""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.urls import reverse

from accounts import services as account_services
from accounts.models import Account
from accounts.tests.admin_pages import action_of, confirm
from audit.ledger import check_ledger
from ledger_project.tests.pages import text
from transfers import services
from transfers.guards import guards
from transfers.services import Order
from transfers.tests.attacks import ATTACKS
from transfers.tests.handwritten import HandwrittenLedger
from transfers.tests.handwritten_rows import rows

pytestmark = pytest.mark.django_db(transaction=True)

NOT_ALLOWED = "42501"


@pytest.fixture
def as_application(handwritten) -> Iterator[None]:
    """Connect as the role of the application."""
    if not rows("SELECT FROM pg_roles WHERE rolname = 'ledger_app'"):
        pytest.skip("This PostgreSQL has no role ledger_app; tools/with_postgres.py makes one.")
    blocks = re.findall(r"```sql\n(.*?)```", text("docs/databases.md"), re.DOTALL)
    # Privileges granted by an earlier run would hide missing ones.
    handwritten.run("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ledger_app")
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


def test_no_attack_succeeds_with_the_role_of_the_application(
    handwritten, as_application, assert_books_balance
):
    speaking = set()

    for name, (guard, attack) in ATTACKS.items():
        with pytest.raises(DatabaseError) as refusal:
            committed(attack, handwritten)
        refused = refusal.value.__cause__.diag
        assert refused.constraint_name == guard or refused.sqlstate == NOT_ALLOWED, name
        speaking.add(refused.constraint_name)

    # Either the privilege is missing or a guard refuses, at the latest at the commit.
    assert speaking - {None} == {
        "account_agrees",
        "account_external_id",
        "account_identity",
        "account_opened",
        "account_recorded",
        "entry_chain",
        "transfer_held",
        "transfer_kind",
        "transfer_legs",
    }
    assert check_ledger().ok
    assert_books_balance()


# The handwritten transfers are dated before their accounts were opened.
OF_THE_PAST = {"transfer_is_no_older_than_its_accounts"}


def convicted() -> set[str]:
    """Return the names of the checks with findings."""
    return {check.name for check in check_ledger().checks if check.findings}


def test_the_role_of_the_application_can_write_correct_transfers(
    handwritten, as_application, alice
):
    committed(lambda ledger: ledger.reverse(ledger.post()), handwritten)
    order = Order(source_id=handwritten.alice.pk, dest_id=handwritten.bob.pk, amount=7)

    services.transfer(order=order, actor=alice)

    assert rows("SELECT balance FROM accounts_account WHERE id = %s", handwritten.alice.pk) == [
        (93,)
    ]
    # The handwritten transfers are of the past and their entries of the future, which no guard
    # refuses.
    assert convicted() == {"entry_has_the_time_of_its_transfer", *OF_THE_PAST}


def test_the_role_of_the_application_can_run_the_services_of_accounts(
    handwritten, as_application, staff
):
    account = Account.objects.create(owner=staff, owner_name="Staff", currency="USD")
    named = {"account_id": account.pk, "actor": staff}

    account_services.describe(**named, owner_name="Operations", metadata={"desk": "4"})
    account_services.freeze(**named)
    account_services.unfreeze(**named)
    account_services.set_overdraft_limit(**named, limit=5)
    account_services.settle(account_id=account.pk)
    account_services.close(**named)

    account.refresh_from_db()
    assert (account.owner_name_folded, account.metadata, account.status) == (
        "operations",
        {"desk": "4"},
        "CLOSED",
    )
    assert account.overdraft_limit == 5


def test_the_role_of_the_application_can_run_the_services_of_transfers(
    handwritten, as_application, staff
):
    parties = {"source_id": handwritten.alice.pk, "dest_id": handwritten.bob.pk}
    order = Order(**parties, amount=10)
    hours = timedelta(hours=1)

    services.deposit(account_id=handwritten.alice.pk, amount=5, actor=staff)
    services.withdraw(account_id=handwritten.alice.pk, amount=5, actor=staff)
    posted, _ = services.post_batch(orders=[order, order], actor=staff)
    services.reverse(transfer_id=posted.pk, actor=staff)
    captured = services.hold(order=order, expires_in=hours, actor=staff)
    services.capture(hold_id=captured.pk, actor=staff)
    voided = services.hold(order=order, expires_in=hours, actor=staff)
    services.void(hold_id=voided.pk, actor=staff)
    services.hold(order=order, expires_in=timedelta(microseconds=1), actor=staff)
    released = services.release_expired_holds(source_id=handwritten.alice.pk)

    assert released == 1
    handwritten.alice.refresh_from_db()
    assert (handwritten.alice.balance, handwritten.alice.held) == (80, 0)
    assert check_ledger().ok


def test_the_role_of_the_application_can_serve_the_api(handwritten, as_application, client_for):
    client = client_for(None)
    login = {"username": "alice", "password": "a password"}
    refused = client.post("/auth/token", {**login, "password": "wrong"})
    pair = client.post("/auth/token", login).json()
    renewed = client.post("/auth/token/refresh", {"refresh": pair["refresh"]}).json()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed['access']}")
    key = str(uuid4())

    opened = [
        client.post("/accounts", {"owner_name": "Alice", "currency": "USD"}, key=key)
        for _ in range(2)
    ]
    path = f"/accounts/{opened[0].json()['id']}"
    renamed = client.patch(path, {"owner_name": "Alice Smith"})
    call_command("purge_idempotency_keys", days=0)
    call_command("expire_holds")
    call_command("flushexpiredtokens")

    assert refused.status_code == 401
    assert [answer.status_code for answer in opened] == [201, 201]
    assert opened[0].json() == opened[1].json()
    assert (renamed.status_code, renamed.json()["owner_name"]) == (200, "Alice Smith")


def test_the_role_of_the_application_can_serve_the_admin(
    handwritten, as_application, client, staff
):
    account = handwritten.third()
    listed = reverse("admin:accounts_account_changelist")
    page = reverse("admin:accounts_account_change", args=[account.pk])
    login = {"username": "staff", "password": "a password"}

    logged_in = client.post(reverse("admin:login"), {**login, "next": listed})
    frozen = confirm(client, action_of(account, "freeze"), reason="As asked")
    shown = client.get(page)
    logged_out = client.post(reverse("admin:logout"))

    assert (logged_in.status_code, logged_in["Location"]) == (302, listed)
    assert (frozen.status_code, shown.status_code, logged_out.status_code) == (302, 200, 200)
    account.refresh_from_db()
    assert account.status == "FROZEN"


# ── Two sessions ─────────────────────────────────────────────────────────────────────────────────


def wait_for_a_lock() -> None:
    """Wait until the other session waits for the rows that this session has written."""
    for _ in range(500):
        if rows("SELECT FROM pg_locks WHERE NOT granted"):
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def refused_to_the_second(write: Callable[[], object]) -> str:
    """Let two sessions write the same rows before either commits; return the guard that refuses."""

    def write_second() -> str:
        try:
            with pytest.raises(IntegrityError) as refusal, transaction.atomic():
                write()
            return refusal.value.__cause__.diag.constraint_name
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            write()
            second = threads.submit(write_second)
            wait_for_a_lock()
        return second.result()


def test_one_of_two_sessions_that_write_the_same_entries_is_refused(
    handwritten, assert_books_balance
):
    # The second session reads the balance and version before the first commits.
    assert refused_to_the_second(handwritten.post) == "entry_sequence_once_per_account"
    assert_books_balance()


def test_one_of_two_sessions_that_hold_the_same_money_is_refused(handwritten, assert_books_balance):
    assert refused_to_the_second(lambda: handwritten.hold(100)) == "account_never_overdrawn"
    assert_books_balance()


def write_entries_of_a_concurrent_hold(ledger: HandwrittenLedger) -> None:
    """Write entries for a transfer id that another session concurrently inserts as a HOLD."""
    third = ledger.third(overdraft_limit=100)

    def place(transfer_id: UUID) -> None:
        try:
            with transaction.atomic():
                ledger.hold(30, source=third, transfer_id=transfer_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        transfer_id = ledger.post(with_transfer=False)
        # Neither session sees the other's rows, and each alone is valid.
        threads.submit(place, transfer_id).result()


def test_entries_of_a_concurrently_written_hold_are_refused(handwritten):
    with pytest.raises(IntegrityError) as refusal:
        write_entries_of_a_concurrent_hold(handwritten)

    assert refusal.value.__cause__.diag.constraint_name == "entry_transfer"
    assert convicted() == OF_THE_PAST


def test_entries_of_a_concurrently_written_hold_are_accepted_without_the_guard(handwritten):
    guards.drop(connection, "entry_transfer")

    write_entries_of_a_concurrent_hold(handwritten)

    assert "transfer_has_no_legs_if_hold" in convicted()
