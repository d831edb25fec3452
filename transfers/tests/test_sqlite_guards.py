"""What SQLite refuses by itself: the subset of the guards that ``docs/guarantees.md`` states."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from transfers import guards
from transfers.services import Order, hold

pytestmark = pytest.mark.django_db

ATTACKS = {
    "transfer_refuse_update": "UPDATE transfers_transfer SET memo = 'x'",
    "transfer_refuse_delete": "DELETE FROM transfers_transfer WHERE kind = 'HOLD'",
    "entry_refuse_update": "UPDATE transfers_ledgerentry SET ts = ts",
    "entry_refuse_delete": "DELETE FROM transfers_ledgerentry",
    "change_refuse_update": "UPDATE accounts_accountchange SET after = 'x'",
    "change_refuse_delete": "DELETE FROM accounts_accountchange",
    "account_kept": "DELETE FROM accounts_account WHERE currency = 'JPY'",
    "account_identity": "UPDATE accounts_account SET currency = 'EUR' WHERE kind = 'CUSTOMER'",
}


@pytest.fixture
def history(api, alice, bob, funded_account):
    """One account that was deposited to and renamed, and that holds money for another."""
    account = funded_account(alice, balance=100)
    order = Order(source_id=account.pk, dest_id=funded_account(bob).pk, amount=30)
    hold(order=order, expires_in=timedelta(days=1), actor=alice)
    assert api.patch(f"/accounts/{account.pk}", {"owner_name": "renamed"}).status_code == 200
    return account


def run(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("guard", ATTACKS)
def test_an_attack_is_refused_by_its_guard(history, guard):
    with pytest.raises(IntegrityError, match=f"^{guard}: "):
        run(ATTACKS[guard])


@pytest.mark.parametrize("guard", ATTACKS)
def test_the_attack_goes_through_without_that_one_guard(history, guard):
    guards.drop(connection, guard)

    run(ATTACKS[guard])


def test_history_is_not_replaced_either(history):
    columns = "id, ts, account_id, transfer_id, type, balance, sequence"

    with pytest.raises(IntegrityError, match=r"^entry_refuse_delete: "):
        run(
            f"REPLACE INTO transfers_ledgerentry ({columns}, amount)"
            f" SELECT {columns}, 1 FROM transfers_ledgerentry WHERE sequence = 1"
        )


def test_every_guard_has_an_attack():
    assert set(ATTACKS) == set(guards.names(connection))
