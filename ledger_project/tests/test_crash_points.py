"""
Fail at every SQL statement of every route that writes, and check that no change is partial.

Each statement is made to fail before and after it is run, by an error and (on PostgreSQL) by a
connection that breaks; and COMMIT fails, or succeeds without its response arriving. The state is
then none or all, the client has seen a 503, and a retry with the same key has exactly one effect.
The order of the faults is fixed: a failure names its route, statement and fault.

After one fault, the requests of a group are carried out one by one, and the client sees no error.
``GROUPED`` routes are therefore tested three times: with one fault in their group, with a second
one while they are carried out on their own, and with a database that fails from then on.
"""

import uuid

import pytest

from ledger_project.tests.crash_scene import (
    GROUPED,
    MORE_ALONE,
    ROUTES,
    THRESHOLD,
    Effect,
    Fault,
    Scene,
    every_fault,
    expected_effect,
    failing_commit,
    send,
    sizes,
    state,
    stored,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.no_cover]


@pytest.fixture
def scene(settings, alice, bob, staff, client_for, funded_account) -> Scene:
    settings.APPROVAL_THRESHOLD = THRESHOLD
    return Scene(alice, bob, staff, client_for, funded_account)


def check_that_nothing_is_done(scene: Scene, route: str, fault: Fault, effect: Effect) -> None:
    """Check that the client sees a 503 and that nothing was done, and retry."""
    where = (route, fault.at, fault.kind, fault.after)
    request, key = ROUTES[route](scene), str(uuid.uuid4())
    before = state()

    failed = send(request, key, fault)
    assert (failed.status_code, failed["Retry-After"]) == (503, "1"), where
    assert state() == before, where

    retried = send(request, key, Fault())
    again = send(request, key, Fault())
    assert retried.status_code == effect.status, where
    assert "Idempotent-Replayed" not in retried, where
    assert sizes(before, state()) == effect.rows, where
    assert (again.content, again["Idempotent-Replayed"]) == (stored(retried), "true")


@pytest.mark.parametrize("route", ROUTES)
def test_a_fault_at_any_statement_rolls_back_and_a_retry_has_one_effect(route, scene):
    effect = expected_effect(route, scene)
    assert effect.statements >= 4
    # A grouped route is carried out on its own after the first statement of its group has failed.
    earlier = [0] if route in GROUPED else []

    for fault in every_fault(effect.statements + MORE_ALONE.get(route, 0), *earlier):
        check_that_nothing_is_done(scene, route, fault, effect)


@pytest.mark.parametrize("route", GROUPED)
def test_a_fault_at_any_statement_of_a_group_is_not_noticed(route, scene):
    effect = expected_effect(route, scene)

    for fault in every_fault(effect.statements):
        where = (route, fault.at, fault.kind, fault.after)
        request, key = ROUTES[route](scene), str(uuid.uuid4())
        before = state()

        answer = send(request, key, fault)
        again = send(request, key, Fault())

        assert answer.status_code == effect.status, where
        assert "Idempotent-Replayed" not in answer, where
        assert sizes(before, state()) == effect.rows, where
        assert (again.content, again["Idempotent-Replayed"]) == (answer.content, "true")


@pytest.mark.parametrize("route", GROUPED)
def test_a_database_that_fails_for_good_is_503_and_a_retry_has_one_effect(route, scene):
    effect = expected_effect(route, scene)

    for at in range(effect.statements):
        check_that_nothing_is_done(scene, route, Fault(*range(at, 100)), effect)


def test_a_fault_at_any_statement_of_a_replay_changes_nothing(scene):
    request, key, counting = ROUTES["open"](scene), str(uuid.uuid4()), Fault()
    first = send(request, key, Fault())
    send(request, key, counting)
    before = state()

    for fault in every_fault(counting.count):
        failed = send(request, key, fault)
        again = send(request, key, Fault())

        assert (failed.status_code, failed["Retry-After"]) == (503, "1"), (fault.at, fault.kind)
        assert again.content == first.content
        assert state() == before


def test_a_fault_at_any_statement_of_a_replay_of_a_transfer_changes_nothing(scene):
    request, key, counting = ROUTES["transfer"](scene), str(uuid.uuid4()), Fault()
    first = send(request, key, Fault())
    send(request, key, counting)
    before = state()

    for fault in every_fault(counting.count):
        failed = send(request, key, fault)
        again = send(request, key, Fault())

        # A fault before the request is carried out on its own isn't noticed.
        if failed.status_code != 201:
            assert (failed.status_code, failed["Retry-After"]) == (503, "1")
        assert again.content == first.content
        assert state() == before


@pytest.mark.parametrize("route", ROUTES)
def test_a_failed_commit_rolls_back_and_a_retry_has_one_effect(route, scene):
    effect = expected_effect(route, scene)
    request, key = ROUTES[route](scene), str(uuid.uuid4())
    before = state()

    # Both commits fail: that of the group, and that of the request on its own.
    with failing_commit(acknowledged=False):
        failed = send(request, key, Fault())
    assert failed.status_code == 503
    assert state() == before

    retried = send(request, key, Fault())
    assert retried.status_code == effect.status
    assert sizes(before, state()) == effect.rows


@pytest.mark.parametrize("route", ROUTES)
def test_a_commit_with_a_lost_acknowledgement_is_replayed(route, scene):
    effect = expected_effect(route, scene)
    request, key = ROUTES[route](scene), str(uuid.uuid4())
    before = state()

    with failing_commit(acknowledged=True):
        failed = send(request, key, Fault())
    assert failed.status_code == 503
    assert sizes(before, state()) == effect.rows

    retried = send(request, key, Fault())
    assert (retried.status_code, retried["Idempotent-Replayed"]) == (effect.status, "true")
    assert sizes(before, state()) == effect.rows


@pytest.mark.parametrize("route", GROUPED)
def test_a_group_whose_commit_is_not_acknowledged_is_settled_by_the_key(route, scene):
    effect = expected_effect(route, scene)
    request, key = ROUTES[route](scene), str(uuid.uuid4())
    before = state()

    with failing_commit(acknowledged=True, times=1):
        answer = send(request, key, Fault())

    assert (answer.status_code, answer["Idempotent-Replayed"]) == (effect.status, "true")
    assert sizes(before, state()) == effect.rows
