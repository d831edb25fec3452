"""The test suite detects faults in how a group is carried out. See ``test_mutants``."""

import pytest

from ledger_project.idempotency import groups
from ledger_project.idempotency.models import IdempotencyKeyQuerySet
from ledger_project.idempotency.tests import test_group_failures as failures
from ledger_project.idempotency.tests import test_groups
from ledger_project.idempotency.tests.conftest import (  # noqa: F401 -- fixtures
    gated,
    in_one_group,
    pay,
    threads,
)
from ledger_project.idempotency.tests.test_group_failures import calls  # noqa: F401 -- a fixture
from ledger_project.tests import group_mutants as mutants
from ledger_project.tests.mutants import failure_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.no_cover]


def test_answers_swapped_between_members_are_caught(request, monkeypatch):
    monkeypatch.setattr(groups, "_carry_out", mutants.answers_swapped_between_members)

    failure_of(request, test_groups.test_all_that_wait_are_carried_out_in_one_transaction, size=3)


def test_responses_stored_under_each_others_keys_are_caught(request, monkeypatch):
    monkeypatch.setattr(
        IdempotencyKeyQuerySet, "insert", mutants.responses_stored_under_each_others_keys
    )

    failure_of(
        request,
        test_groups.test_only_replays_are_marked_as_such_and_each_replays_its_own_response,
    )


def test_a_follower_released_before_the_commit_is_caught(request, monkeypatch):
    monkeypatch.setattr(groups, "_carry_out", mutants.answers_given_before_the_commit)

    failure_of(
        request,
        failures.test_after_a_failed_commit_each_member_is_carried_out_on_its_own,
        size=3,
    )


def test_a_group_with_only_half_of_its_keys_committed_is_caught(request, monkeypatch):
    monkeypatch.setattr(IdempotencyKeyQuerySet, "insert", mutants.only_half_of_the_keys_stored)

    failure_of(request, test_groups.test_all_that_wait_are_carried_out_in_one_transaction, size=3)


def test_a_group_whose_transfers_are_committed_before_its_keys_is_caught(request, monkeypatch):
    monkeypatch.setattr(
        IdempotencyKeyQuerySet, "insert", mutants.transfers_committed_before_the_keys
    )

    failure_of(
        request,
        failures.test_after_a_leader_has_failed_each_member_is_carried_out_on_its_own,
        size=3,
        place="keys",
    )
