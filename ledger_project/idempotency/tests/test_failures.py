"""A crash, or a database that fails: no money has moved, and the key is free again."""

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

# Real transactions, because what is to be seen is what was committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(alice, funded_account):
    return funded_account(alice)


@pytest.fixture
def serve_deposit(serve, account):
    """Return a function that serves a deposit of 5 with what ``ending`` does after it."""

    def serve_it(ending):
        def deposit(request):
            posted = services.deposit(account_id=account.pk, amount=5, actor=request.user)
            ending(posted)
            return Response({"transfer_id": str(posted.pk)})

        return serve(deposit)

    return serve_it


def retries() -> float:
    """Return how many transactions were run again so far."""
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
def test_a_crash_after_the_money_moved_undoes_it_and_leaves_the_key_free(
    api, account, serve_deposit, error
):
    answer = api.post(serve_deposit(raising(error)), key="k")

    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "internal_error"
    assert answer.has_header("X-Request-ID") is True
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


def test_a_crash_while_the_answer_is_rendered_undoes_everything(api, account, serve, alice):
    def deposit(request):
        services.deposit(account_id=account.pk, amount=5, actor=request.user)
        return Response({"not JSON": object()})

    answer = api.post(serve(deposit), key="k")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert_nothing_happened(account)


def test_a_constraint_that_the_database_refuses_at_once_is_a_crash(api, account, serve_deposit):
    def overdraw(posted):
        Account.objects.filter(pk=account.pk).update(balance=-1)

    answer = api.post(serve_deposit(overdraw), key="k")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


def test_a_constraint_that_the_database_refuses_at_the_commit_is_a_crash(
    api, account, serve_deposit
):
    def break_a_foreign_key(posted):
        # Both databases check foreign keys at the commit only.
        IdempotencyKey.objects.filter(key="k").update(user_id=0)

    answer = api.post(serve_deposit(break_a_foreign_key), key="k")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")], ids=repr)
def test_a_database_that_goes_away_is_503_and_leaves_the_key_free(
    api, account, serve_deposit, error
):
    answer = api.post(serve_deposit(raising(error)), key="k")

    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Retry-After"] == "1"
    assert answer.json()["code"] == "temporarily_unavailable"
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


@pytest.mark.parametrize("sqlstate", ["25006", "25P03", "25P04"])
def test_what_django_calls_an_internal_error_is_503_too(api, account, serve_deposit, sqlstate):
    error = InternalError()
    error.__cause__ = psycopg.errors.lookup(sqlstate)()

    answer = api.post(serve_deposit(raising(error)), key="k")

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


def test_an_error_inside_of_the_database_is_a_crash(api, account, serve_deposit):
    error = InternalError()
    error.__cause__ = psycopg.errors.lookup("XX001")()

    answer = api.post(serve_deposit(raising(error)), key="k")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert_nothing_happened(account)


@pytest.mark.parametrize("sqlstate", ["55P03", "57014"])
def test_a_wait_that_takes_too_long_in_the_view_is_503_and_not_tried_again(
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
def test_a_conflict_that_the_database_undid_is_tried_three_times_at_most(
    api, account, serve_deposit, database_error, sqlstate
):
    claims_seen = []

    def conflict(posted):
        claims_seen.append(IdempotencyKey.objects.get(key="k").pk)
        raise database_error(sqlstate)

    answer = api.post(serve_deposit(conflict), key="k")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    # Each attempt has claimed the key anew.
    assert len(set(claims_seen)) == len(claims_seen) == 3
    assert_nothing_happened(account)
    assert_works_with_the_same_key(api, serve_deposit, account)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
@pytest.mark.parametrize("conflicts", [1, 2])
def test_a_conflict_that_passes_is_not_seen_by_the_client(
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
    """Lets the database refuse the claim of a key, the first ``times`` times."""

    def __init__(self, error, times):
        self.error, self.times, self.seen = error, times, 0

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith("INSERT INTO idempotency_idempotencykey"):
            self.seen += 1
            if self.seen <= self.times:
                raise self.error
        return execute(sql, params, many, context)


def test_a_claim_that_waits_too_long_is_409_and_to_be_tried_again(
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
def test_a_conflict_at_the_claim_counts_as_an_attempt(
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
