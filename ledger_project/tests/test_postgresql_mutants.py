"""Tests detect faulty code on PostgreSQL: missing locks, and locks in any order."""

import pytest
from django.db import IntegrityError, OperationalError

from ledger_project.tests import mutants
from ledger_project.tests.mutants import failure_of
from transfers.tests import test_concurrency as concurrency
from transfers.tests import test_postgresql_concurrency as postgresql_concurrency
from transfers.tests.conftest import assert_books_balance  # noqa: F401 -- a fixture
from transfers.tests.test_postgresql_concurrency import deadlocks  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_missing_lock_is_caught(request, monkeypatch):
    mutants.lock_accounts_by(monkeypatch, mutants.locked_without_a_lock)

    failure = failure_of(
        request, concurrency.test_concurrent_deposits_into_one_account_are_all_posted
    )

    # Two requests read the same balance. The second one fails, as its sequence number is taken.
    assert isinstance(failure, IntegrityError)
    assert failure.__cause__.diag.constraint_name == "entry_sequence_once_per_account"


def test_locks_in_any_order_are_caught(request, monkeypatch):
    mutants.lock_accounts_by(monkeypatch, mutants.locked_in_any_order)

    failure = failure_of(request, postgresql_concurrency.test_opposing_batches_never_deadlock)

    assert isinstance(failure, OperationalError)
    assert failure.__cause__.sqlstate == "40P01"


def test_locks_in_any_order_are_caught_without_a_race(request, monkeypatch):
    mutants.lock_accounts_by(monkeypatch, mutants.locked_in_any_order)

    failure_of(request, postgresql_concurrency.test_accounts_are_locked_in_the_order_of_their_ids)
