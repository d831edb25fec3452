"""A transaction begins at once, and a connection on which that has failed isn't used again."""

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from psycopg.pq import TransactionStatus

pytestmark = pytest.mark.django_db(transaction=True)


def status() -> TransactionStatus:
    return connection.connection.info.transaction_status


def check_that_transactions_work():
    with transaction.atomic():
        assert status() == TransactionStatus.INTRANS
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("read committed",)
    assert status() == TransactionStatus.IDLE


def test_a_transaction_begins_before_its_first_statement():
    check_that_transactions_work()


def test_a_transaction_without_a_statement_ends():
    with transaction.atomic():
        pass

    assert status() == TransactionStatus.IDLE
    check_that_transactions_work()


def test_after_a_lost_connection_was_noticed_by_begin_there_is_a_new_one(rival):
    connection.ensure_connection()
    lost = connection.connection
    rival.execute("SELECT pg_terminate_backend(%s, 60000)", [lost.info.backend_pid])

    with pytest.raises(OperationalError), transaction.atomic():
        raise AssertionError("There is no transaction.")

    assert lost.closed
    check_that_transactions_work()


def test_a_begin_that_was_interrupted_leaves_no_open_transaction(monkeypatch):
    connection.ensure_connection()
    interrupted = connection.connection

    def interrupt(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(interrupted, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        raise AssertionError("There is no transaction.")

    assert interrupted.closed
    check_that_transactions_work()


@pytest.fixture
def rival():
    """A connection that isn't Django's."""
    database = connection.settings_dict
    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
    address = {ours: database[name] for name, ours in names.items()}
    with psycopg.connect(dbname=database["NAME"], autocommit=True, **address) as opened:
        yield opened
