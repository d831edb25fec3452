"""Tests detect faulty code on SQLite: transactions that acquire the write lock too late."""

import pytest
from django.db import OperationalError, connection

from ledger_project.tests.mutants import failure_of
from transfers.tests import test_concurrency as concurrency
from transfers.tests.conftest import assert_books_balance  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def test_deferred_transactions_are_caught(request, monkeypatch):
    # A reader can't upgrade its lock if another transaction has written since.
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "transaction_mode", "DEFERRED")

    failure = failure_of(
        request, concurrency.test_concurrent_deposits_into_one_account_are_all_posted
    )

    assert isinstance(failure, OperationalError)
    assert str(failure) == "database is locked"
