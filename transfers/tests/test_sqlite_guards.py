"""
The guards of SQLite, a subset of those of PostgreSQL (see ``docs/guarantees.md``).

Each attack is made in a session like that of ``sqlite3``, without the settings of the service.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Account
from accounts.services import close
from ledger_project.tests.replacing import plain_session, replace
from ledger_project.tests.savepoints import rolled_back
from transfers.guards import guards
from transfers.services import Order, hold
from transfers.tests.attacks import sqlite, sqlite_replacing
from transfers.tests.attacks.sqlite import (
    HOLD_MORE,
    INSERT_ENTRY,
    RECORD_A_LIMIT,
    insert_hold,
    insert_void,
)

pytestmark = pytest.mark.django_db

ATTACKS = sqlite.ATTACKS | sqlite_replacing.ATTACKS


@pytest.fixture(autouse=True)
def of_anybody(db) -> Iterator[None]:
    with plain_session():
        yield


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


def test_an_attack_is_refused_by_its_guard(history, subtests):
    for name, (guard, attack) in ATTACKS.items():
        with subtests.test(name), pytest.raises(IntegrityError, match=f"^{guard}: "):
            run(attack)


def test_an_attack_succeeds_without_its_guard(history, subtests):
    for name, (guard, attack) in ATTACKS.items():
        with subtests.test(name), rolled_back():
            guards.drop(connection, guard)

            run(attack)


def test_an_external_account_that_is_inserted_again_stays_as_it_is(history):
    before = Account.objects.filter(kind="EXTERNAL").values().get(currency="USD")

    with connection.cursor() as cursor:
        cursor.execute(replace(Account, "kind = 'EXTERNAL' AND currency = 'USD'", version="7"))

    assert Account.objects.filter(kind="EXTERNAL").values().get(currency="USD") == before


def test_an_entry_within_the_overdraft_is_accepted(history):
    granted = "UPDATE accounts_account SET overdraft_limit = 1 WHERE balance = 100"
    run((RECORD_A_LIMIT, granted), undo=False)

    run(INSERT_ENTRY.format("101, -1, 2"))


@pytest.mark.parametrize(
    "attack",
    [
        (HOLD_MORE.format(60, 2), insert_hold("60, 2")),
        (HOLD_MORE.format(0, 2), insert_void("0, 2")),
    ],
    ids=["a hold", "a void"],
)
def test_a_correct_handwritten_hold_or_void_is_accepted(history, attack):
    run(attack)


def test_every_guard_has_an_attack():
    assert {guard for guard, _ in ATTACKS.values()} == set(guards.names(connection))
