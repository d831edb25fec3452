"""Groups that meet other transactions: row locks, deadlocks, and keys that aren't committed yet."""

from contextlib import contextmanager
from functools import partial

import psycopg
import pytest
from django.db import connection
from prometheus_client import REGISTRY

from accounts.models import Account
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.idempotency.tests.gates import PausedAt
from ledger_project.idempotency.tests.queues import LONG
from transfers.models import LedgerEntry, Transfer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order_afterwards"),
]

dissolved = partial(REGISTRY.get_sample_value, "ledger_groups_dissolved_total")
retries = partial(REGISTRY.get_sample_value, "ledger_retries_total")


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("size", [1, 3, 64])
def test_all_rows_of_a_group_are_written_by_one_transaction(pay, in_one_group, size):
    answers = in_one_group(*[pay(1, key=f"k{number}") for number in range(size)])

    ids = [answer.json()["id"] for answer in answers]
    writers = set()
    with connection.cursor() as cursor:
        for model, column, values in (
            (Transfer, "id", ids),
            (LedgerEntry, "transfer_id", ids),
            (IdempotencyKey, "key", [f"k{number}" for number in range(size)]),
            (Account, "id", [str(pay.source.pk), str(pay.dest.pk)]),
        ):
            cursor.execute(
                f"SELECT xmin::text FROM {model._meta.db_table} WHERE {column}::text = ANY(%s)",
                [values],
            )
            found = [xmin for (xmin,) in cursor.fetchall()]
            assert len(found) == len(values) * (2 if model is LedgerEntry else 1)
            writers |= set(found)
    assert len(writers) == 1


def test_two_groups_that_move_money_in_opposite_directions_do_not_deadlock(pay, gated, bob):
    back = {"source_account_id": pay.dest.pk, "dest_account_id": pay.source.pk, "user": bob}
    pay(5000)()
    before, retried = deadlocks(), retries()

    for number in range(5):
        one = gated()
        ours = [one.add(pay(1 + number)) for _ in range(8)]
        two = gated()
        theirs = [two.add(pay(1 + number, **back)) for _ in range(8)]
        one.open()
        two.open()
        answers = [future.result(timeout=LONG) for future in (*ours, *theirs)]
        assert [answer.status_code for answer in answers] == [201] * 16

    assert (deadlocks(), retries()) == (before, retried)
    pay.source.refresh_from_db()
    assert pay.source.balance == 5000


@contextmanager
def another_transaction():
    """Open a transaction of another process."""
    database = connection.settings_dict
    rival = psycopg.connect(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
    )
    try:
        yield rival
    finally:
        rival.close()


@contextmanager
def locked(account):
    """Lock an account in another transaction."""
    with another_transaction() as rival:
        rival.execute(
            "SELECT id FROM accounts_account WHERE id = %s FOR NO KEY UPDATE", [account.pk]
        )
        yield


@pytest.mark.parametrize("place", [0, 1, 2])
def test_members_are_carried_out_while_another_ones_account_is_still_locked(
    pay, gated, funded_account, alice, place
):
    stuck_account, payee = funded_account(alice, 100), funded_account(alice)
    before = dissolved({"reason": "lock"}) or 0
    calls = [pay(1), pay(2)]
    unlucky = {"source_account_id": stuck_account.pk, "dest_account_id": payee.pk}
    calls.insert(place, pay(3, **unlucky))
    gate = gated()

    with locked(stuck_account):
        futures = [gate.add(call) for call in calls]
        stuck = futures.pop(place)
        gate.open()
        answers = [future.result(timeout=LONG) for future in futures]
        assert not stuck.done(), stuck.result().content

    assert [answer.status_code for answer in answers] == [201, 201]
    assert stuck.result(timeout=LONG).status_code == 201
    assert dissolved({"reason": "lock"}) - before == 1


def test_the_patience_of_a_group_ends_with_its_transaction(pay, in_one_group):
    def leader():
        answer = pay(1)()
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return answer.status_code, cursor.fetchone()

    [first, second] = in_one_group(leader, pay(2))

    assert first == (201, ("0",))  # As the tests set it.
    assert second.status_code == 201


def claim(rival, user):
    """Insert the key ``claimed``, of another request, in another transaction."""
    rival.execute(
        "INSERT INTO idempotency_idempotencykey"
        " (id, user_id, key, method, path, fingerprint, response_headers)"
        " VALUES (gen_random_uuid(), %s, 'claimed', 'POST', '/transfers', 'other', '{}')",
        [user.pk],
    )


@pytest.mark.parametrize(("end", "status"), [("rollback", 201), ("commit", 409)])
def test_members_do_not_wait_for_a_key_that_another_transaction_has_claimed(
    pay, gated, alice, end, status
):
    gate = gated()

    with another_transaction() as rival:
        claim(rival, alice)
        futures = [gate.add(call) for call in (pay(1), pay(3, key="claimed"), pay(2))]
        waiting = futures.pop(1)
        gate.open()
        answers = [future.result(timeout=LONG) for future in futures]
        assert not waiting.done(), waiting.result().content
        getattr(rival, end)()

    assert [answer.status_code for answer in answers] == [201, 201]
    assert waiting.result(timeout=LONG).status_code == status


def test_a_group_with_a_key_that_is_used_after_the_look_up_is_dissolved(pay, gated, alice):
    before = dissolved({"reason": "constraint"}) or 0
    pause = PausedAt("WITH updated")
    gate = gated()
    calls = (pause.pausing(pay(1)), pay(5, key="claimed"), pay(2))
    futures = [gate.add(call) for call in calls]
    gate.open()
    assert pause.reached.wait(LONG)

    with another_transaction() as rival:
        claim(rival, alice)
        rival.commit()
    pause.may_go_on.set()
    answers = [future.result(timeout=LONG) for future in futures]

    assert [answer.status_code for answer in answers] == [201, 409, 201]
    assert answers[1].json()["code"] == "idempotency_key_reused"
    assert dissolved({"reason": "constraint"}) - before == 1
    pay.source.refresh_from_db()
    assert pay.source.balance == 9997
