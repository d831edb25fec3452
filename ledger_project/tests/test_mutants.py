"""
The test suite detects faulty code: with one safeguard removed, a particular test fails.

Each test here replaces a function by a faulty version and runs the test that should detect it, and
that otherwise passes. ``transfers/tests/test_postgresql_guards.py`` does the same with triggers.
"""

import pytest
from django.db import connection

from api.exceptions import InternalError, TemporarilyUnavailable
from ledger_project.idempotency import middleware, single
from ledger_project.idempotency.models import IdempotencyKeyQuerySet
from ledger_project.idempotency.tests import test_outcomes as outcomes
from ledger_project.idempotency.tests import test_replays as replays
from ledger_project.idempotency.tests.conftest import serve  # noqa: F401 -- a fixture
from ledger_project.tests import mutants
from ledger_project.tests import test_crash_points as crash_points
from ledger_project.tests.kill_run import KillRun
from ledger_project.tests.kill_victims import running
from ledger_project.tests.mutants import failure_of
from ledger_project.tests.test_crash_points import scene  # noqa: F401 -- a fixture
from transfers import posting
from transfers.tests import test_posting as engine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.no_cover]

SEEDS = (1, 2, 3)


def test_a_key_scoped_by_token_is_caught(request, monkeypatch):
    monkeypatch.setattr(middleware, "_key_of", mutants.key_scoped_by_token)

    failure_of(request, replays.test_a_new_token_of_the_same_user_sees_the_same_keys)


def test_a_missing_fingerprint_is_caught(request, monkeypatch):
    monkeypatch.setattr(middleware, "fingerprint", mutants.same_fingerprint_for_all)

    failure_of(
        request, replays.test_another_body_under_the_same_key_is_refused, body=b'{"amount":2}'
    )
    failure_of(request, replays.test_another_method_under_the_same_key_is_refused)


LEAVES_THE_KEY_UNUSED = outcomes.test_an_error_that_leaves_the_outcome_open_leaves_the_key_unused


@pytest.mark.parametrize("failure", [InternalError(), TemporarilyUnavailable()], ids=["500", "503"])
def test_a_5xx_leaves_the_key_unused(api, alice, funded_account, request, failure):
    serve_view = request.getfixturevalue("serve")

    LEAVES_THE_KEY_UNUSED(api, alice, funded_account, serve_view, failure, failure.status)


def test_a_stored_5xx_is_caught(request, monkeypatch):
    remembered = single.REMEMBERED_REFUSALS | set(range(500, 600))
    monkeypatch.setattr(single, "REMEMBERED_REFUSALS", remembered)

    # The database refuses to store it, so the response is always 500.
    failure_of(request, LEAVES_THE_KEY_UNUSED, refusal=TemporarilyUnavailable(), status=503)


def test_a_flipped_sign_is_caught(request, monkeypatch):
    monkeypatch.setattr(posting, "_enter", mutants.enter_with_the_sign_flipped)

    failure_of(request, engine.test_a_transfer_debits_its_source_and_credits_its_destination)
    failure_of(request, engine.test_a_deposit_debits_the_external_account_without_a_balance)


@pytest.mark.parametrize("route", ["deposit", "transfer", "capture"])
def test_a_response_stored_after_the_commit_is_caught_at_a_crash_point(request, monkeypatch, route):
    monkeypatch.setattr(single, "_run_once", mutants.answer_stored_after_the_commit)
    monkeypatch.setattr(IdempotencyKeyQuerySet, "insert", mutants.keys_inserted_after_the_commit)

    failure_of(
        request,
        crash_points.test_a_fault_at_any_statement_rolls_back_and_a_retry_has_one_effect,
        route=route,
    )


def test_a_response_stored_after_the_commit_is_caught_by_kills(tmp_path):
    doubles = []
    for seed in SEEDS:
        (folder := tmp_path / str(seed)).mkdir()
        settings = {"DJANGO_SETTINGS_MODULE": "ledger_project.tests.mutant_settings"}
        with running(connection.vendor, folder, seed, **settings) as service:
            report = KillRun(service, seconds=3, kills=3, seed=seed)()
        doubles.append(report.violations["a transfer was applied twice"])
        if doubles[-1]:
            break

    assert doubles[-1] > 0
