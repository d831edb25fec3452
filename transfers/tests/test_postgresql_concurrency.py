"""Row locks on PostgreSQL. SQLite allows only one writer at a time."""

import time

import pytest
from django.db import connection, transaction

from accounts.models import Account
from transfers import services
from transfers.services import Order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def deadlocks():
    """Return a function that returns the number of deadlocks of this database so far."""

    def count():
        with connection.cursor() as cursor:
            # A backend reports its counts at the latest when it ends.
            for _ in range(500):
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                if cursor.fetchone() == (0,):
                    break
                time.sleep(0.02)
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            )
            return cursor.fetchone()[0]

    return count


def test_opposing_batches_never_deadlock(
    staff, alice, funded_account, race, deadlocks, assert_books_balance
):
    purses = [funded_account(alice, 1_000) for _ in range(10)]
    pairs = list(zip(purses, [*purses[1:], purses[0]], strict=True))
    there = [Order(source_id=a.pk, dest_id=b.pk, amount=1) for a, b in pairs]
    back = [Order(source_id=b.pk, dest_id=a.pk, amount=1) for a, b in reversed(pairs)]
    before = deadlocks()

    def post_often(orders):
        return lambda: [services.post_batch(orders=orders, actor=staff) for _ in range(10)]

    posted = race(*[post_often(there), post_often(back)] * 4)

    figures = Account.objects.filter(owner=alice).values_list("balance", "version")
    assert [[len(batch) for batch in batches] for batches in posted] == [[10] * 10] * 8
    # Each batch credits and debits each of the 80 accounts with the same amount.
    assert list(figures) == [(1_000, 1 + 2 * 80)] * 10
    assert deadlocks() == before
    assert_books_balance()


def test_accounts_are_locked_in_the_order_of_their_ids(
    alice, funded_account, django_assert_num_queries
):
    purses = [funded_account(alice) for _ in range(3)]
    ids = [purse.pk for purse in reversed(purses)]

    with transaction.atomic(), django_assert_num_queries(1) as captured:
        locked = Account.objects.locked(*ids)

    sql = captured[0]["sql"]
    assert sql.endswith('ORDER BY "accounts_account"."id" ASC FOR NO KEY UPDATE) AS locked')
    assert list(locked) == sorted(ids)
