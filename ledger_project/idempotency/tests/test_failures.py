"""After a crash or a database error, no money has moved and the key can be used again."""

import psycopg
import pytest
from django.db import (
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
)
from prometheus_client import REGISTRY
from rest_framework.response import Response

from accounts.models import Account
from ledger_project.idempotency.models import IdempotencyKey
from transfers import services
from transfers.models import Transfer

# Real transactions, because the tests look at what was committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(alice, funded_account):
    return funded_account(alice)


@pytest.fixture
def serve_deposit(serve, account):
    """Return a function that serves a view which deposits 5 and then calls ``ending``."""

    def serve_it(ending):
        def deposit(request):
            posted = services.deposit(account_id=account.pk, amount=5, actor=request.user)
            ending(posted)
            return Response({"transfer_id": str(posted.pk)})

        return serve(deposit)

    return serve_it


def retries() -> float:
    """Return the number of retried transactions so far."""
    return REGISTRY.get_sample_value("ledger_retries_total") or 0


def raising(error):
    def ending(posted):
        raise error

    return ending


def assert_nothing_happened(account):
    account.refresh_from_db()
    assert (account.balance, account.version) == (0, 0)
    assert Transfer.objects.count() == 0
    assert IdempotencyKey.objects.count() == 0


def assert_works_with_the_same_key(client, serve_deposit, account):
    path = serve_deposit(lambda posted: None)
    first, second = client.post(path, key="k"), client.post(path, key="k")
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.content == first.content
    account.refresh_from_db()
    assert (account.balance, account.version) == (5, 1)


@pytest.mark.parametrize("error", [RuntimeError("a bug"), IntegrityError("a constraint")], ids=repr)
def test_a_crash_after_the_posting_rolls_back_and_leaves_the_key_unused(
    api, account, serve_deposit, error
):
    answer = api.post(serve_deposit(raising(error)), key="k")

    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "internal_error"
    assert answer.has_header("X-Request-ID") is True
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


def test_a_crash_while_the_response_is_rendered_rolls_back(api, account, serve, alice):
    def deposit(request):
        services.deposit(account_id=account.pk, amount=5, actor=request.user)
        return Response({"not JSON": object()})

    answer = api.post(serve(deposit), key="k")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert_nothing_happened(account)


def test_a_violated_constraint_is_a_500(api, account, serve_deposit):
    def overdraw(posted):
        Account.objects.filter(pk=account.pk).update(balance=-1)

    answer = api.post(serve_deposit(overdraw), key="k")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


def test_a_violated_deferred_constraint_is_a_500(api, account, serve_deposit):
    def break_a_foreign_key(posted):
        # Both databases check foreign keys at the commit only.
        IdempotencyKey.objects.filter(key="k").update(user_id=0)

    answer = api.post(serve_deposit(break_a_foreign_key), key="k")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")], ids=repr)
def test_a_lost_database_is_503_and_leaves_the_key_unused(api, account, serve_deposit, error):
    answer = api.post(serve_deposit(raising(error)), key="k")

    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Retry-After"] == "1"
    assert answer.json()["code"] == "temporarily_unavailable"
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


@pytest.mark.parametrize("sqlstate", ["25006", "25P03", "25P04"])
def test_an_internal_error_for_a_read_only_or_timed_out_transaction_is_503(
    api, account, serve_deposit, sqlstate
):
    error = InternalError()
    error.__cause__ = psycopg.errors.lookup(sqlstate)()

    answer = api.post(serve_deposit(raising(error)), key="k")

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


def test_another_internal_error_of_the_database_is_a_500(api, account, serve_deposit):
    error = InternalError()
    error.__cause__ = psycopg.errors.lookup("XX001")()

    answer = api.post(serve_deposit(raising(error)), key="k")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert_nothing_happened(account)


@pytest.mark.parametrize("sqlstate", ["55P03", "57014"])
def test_a_lock_timeout_in_the_view_is_503_and_not_retried(
    api, account, serve_deposit, database_error, sqlstate
):
    calls = []

    def time_out(posted):
        calls.append(posted)
        raise database_error(sqlstate)

    answer = api.post(serve_deposit(time_out), key="k")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    assert len(calls) == 1
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_a_deadlock_or_serialization_failure_is_attempted_at_most_three_times(
    api, account, serve_deposit, database_error, sqlstate
):
    claims_seen = []

    def conflict(posted):
        claims_seen.append(IdempotencyKey.objects.get(key="k").pk)
        raise database_error(sqlstate)

    answer = api.post(serve_deposit(conflict), key="k")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    # Each attempt claimed the key again.
    assert len(set(claims_seen)) == len(claims_seen) == 3
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
@pytest.mark.parametrize("conflicts", [1, 2])
def test_a_client_does_not_notice_a_retried_deadlock(
    api, account, serve_deposit, database_error, sqlstate, conflicts
):
    calls = []

    def conflict_at_first(posted):
        calls.append(posted)
        if len(calls) <= conflicts:
            raise database_error(sqlstate)

    path, counted = serve_deposit(conflict_at_first), retries()
    answer, again = api.post(path, key="k"), api.post(path, key="k")

    assert answer.status_code == 200
    assert retries() == counted + conflicts
    assert len(calls) == conflicts + 1
    assert again.content == answer.content
    assert Transfer.objects.get().pk == calls[-1].pk
    account.refresh_from_db()
    assert (account.balance, account.version) == (5, 1)


class FailingClaim:
    """An execute wrapper that raises an error for the first ``times`` claims of a key."""

    def __init__(self, error, times):
        self.error, self.times, self.seen = error, times, 0

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith("INSERT INTO idempotency_idempotencykey"):
            self.seen += 1
            if self.seen <= self.times:
                raise self.error
        return execute(sql, params, many, context)


def test_a_lock_timeout_at_the_claim_is_409_with_retry_after(
    api, account, serve_deposit, database_error
):
    path = serve_deposit(lambda posted: None)
    claim = FailingClaim(database_error("55P03"), times=1)

    with connection.execute_wrapper(claim):
        answer = api.post(path, key="k")

    assert answer.status_code == 409
    assert answer["Retry-After"] == "1"
    assert answer.json()["code"] == "idempotency_in_progress"
    assert claim.seen == 1
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


@pytest.mark.parametrize(("conflicts", "status", "attempts"), [(2, 200, 3), (3, 503, 3)])
def test_a_deadlock_at_the_claim_counts_as_an_attempt(
    api, serve_deposit, database_error, conflicts, status, attempts
):
    path = serve_deposit(lambda posted: None)
    claim = FailingClaim(database_error("40P01"), times=conflicts)

    with connection.execute_wrapper(claim):
        answer = api.post(path, key="k")

    assert answer.status_code == status
    assert claim.seen == attempts


def test_a_claim_whose_statement_times_out_is_503(api, account, serve_deposit, database_error):
    path = serve_deposit(lambda posted: None)

    with connection.execute_wrapper(FailingClaim(database_error("57014"), times=1)):
        answer = api.post(path, key="k")

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert_nothing_happened(account)
