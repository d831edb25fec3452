"""A leader that fails at any place: every request has one effect, and no group is half done."""

from functools import partial

import pytest
from django.db import IntegrityError, OperationalError, connection
from prometheus_client import REGISTRY

from api.exceptions import Busy
from ledger_project.idempotency import groups
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.idempotency.tests.gates import Watched
from ledger_project.idempotency.tests.queues import LONG
from ledger_project.tests.crash_scene import FAULTS, Fault, failing_commit
from transfers.models import LedgerEntry, Transfer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order_afterwards"),
]

SIZES = [1, 3, 64]
# The beginnings of the statements of a group.
PLACES = {
    "lock": ("SELECT locked.*", 'SELECT "accounts_account"'),
    "write": ("WITH updated", "INSERT INTO transfers_transfer"),
    "keys": ("INSERT INTO idempotency", "INSERT INTO idempotency"),
}


class FaultAfter:
    """An execute wrapper that fails once, after a statement with a certain beginning."""

    def __init__(self, place: str, error: BaseException) -> None:
        self._beginning = PLACES[place][connection.vendor == "sqlite"]
        self._error, self.has_failed = error, False

    def __call__(self, execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if not self.has_failed and sql.startswith(self._beginning):
            self.has_failed = True
            raise self._error
        return result


def wrapped(call, wrapper):
    """Return the call with an execute wrapper in its thread."""

    def run():
        with connection.execute_wrapper(wrapper):
            return call()

    return run


def beginning(call, error):
    """Return the call with a first BEGIN that fails."""

    def run():
        begin = connection.set_autocommit

        def fail(*_arguments, **_options):
            connection.set_autocommit = begin
            raise error

        connection.set_autocommit = fail
        return call()

    return run


def committing(call, acknowledged):
    """Return the call with a first COMMIT that fails, or whose acknowledgement is lost."""

    def run():
        with failing_commit(acknowledged, times=1):
            return call()

    return run


@pytest.fixture
def calls(pay):
    """Return a function that returns calls that pay 1, 2, ..., each with its key."""
    return lambda size: [pay(number, key=f"k{number}") for number in range(1, size + 1)]


def check_that_each_was_carried_out_once(pay, answers, replayed=()):
    size = len(answers)
    assert [answer.status_code for answer in answers] == [201] * size
    marks = [answer.has_header("Idempotent-Replayed") for answer in answers]
    assert marks == [number in replayed for number in range(size)]
    assert [answer.json()["amount"] for answer in answers] == [*range(1, size + 1)]
    made = Transfer.objects.filter(source=pay.source)
    assert {str(id) for id in made.values_list("pk", flat=True)} == {
        answer.json()["id"] for answer in answers
    }
    assert LedgerEntry.objects.filter(transfer__in=made).count() == 2 * size
    stored = dict(IdempotencyKey.objects.values_list("key", "response_body"))
    assert stored == {f"k{n}": answers[n - 1].content.decode() for n in range(1, size + 1)}
    pay.source.refresh_from_db()
    assert (pay.source.balance, pay.source.version) == (
        10_000 - size * (size + 1) // 2,
        1 + size,
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("place", PLACES)
def test_after_a_leader_has_failed_each_member_is_carried_out_on_its_own(
    pay, calls, in_one_group, size, place
):
    leader, *followers = calls(size)
    fault = FaultAfter(place, OperationalError("injected"))

    answers = in_one_group(wrapped(leader, fault), *followers)

    assert fault.has_failed
    check_that_each_was_carried_out_once(pay, answers)


@pytest.mark.parametrize("place", PLACES)
def test_a_leader_whose_thread_is_stopped_leaves_its_followers_to_themselves(
    pay, calls, gated, place
):
    leader, *followers = calls(3)
    fault = FaultAfter(place, KeyboardInterrupt())
    gate = gated()
    futures = [gate.add(wrapped(leader, fault)), *map(gate.add, followers)]

    gate.open()
    error = futures[0].exception(timeout=LONG)
    answers = [future.result(timeout=LONG) for future in futures[1:]]

    assert isinstance(error, KeyboardInterrupt)
    assert gate.combiner.waiting == 0
    # Nothing was committed for the leader. Its client sends the request again.
    retried = leader()
    assert retried.status_code == 201
    check_that_each_was_carried_out_once(pay, [retried, *answers])


@pytest.mark.parametrize("size", SIZES)
def test_after_a_failed_begin_each_member_is_carried_out_on_its_own(pay, calls, in_one_group, size):
    leader, *followers = calls(size)

    answers = in_one_group(beginning(leader, OperationalError("injected")), *followers)

    check_that_each_was_carried_out_once(pay, answers)


@pytest.mark.parametrize("size", SIZES)
def test_after_a_failed_commit_each_member_is_carried_out_on_its_own(
    pay, calls, in_one_group, size
):
    leader, *followers = calls(size)

    answers = in_one_group(committing(leader, acknowledged=False), *followers)

    check_that_each_was_carried_out_once(pay, answers)


@pytest.mark.parametrize("size", SIZES)
def test_after_a_commit_without_an_acknowledgement_each_member_replays_its_response(
    pay, calls, in_one_group, size
):
    leader, *followers = calls(size)

    answers = in_one_group(committing(leader, acknowledged=True), *followers)

    check_that_each_was_carried_out_once(pay, answers, replayed=range(size))


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_at_any_statement_of_a_group_is_not_noticed_by_its_members(
    pay, calls, in_one_group, kind
):
    counting = Watched(pay(1))
    in_one_group(counting, pay(1), pay(1))

    for at in range(len(counting.statements)):
        for after in (False, True):
            fault = Fault(at, kind=kind, after=after)
            keys = [f"{kind}-{at}-{after}-{number}" for number in range(3)]
            before = Transfer.objects.count()
            members = [pay(1, key=key) for key in keys]

            answers = in_one_group(wrapped(members[0], fault), *members[1:])

            assert [answer.status_code for answer in answers] == [201] * 3, (at, kind, after)
            assert Transfer.objects.count() == before + 3
            assert IdempotencyKey.objects.filter(key__in=keys).count() == 3


def test_a_member_whose_own_way_fails_too_is_503_and_the_others_are_carried_out(
    pay, calls, in_one_group
):
    leader, *followers = calls(3)
    broken = Fault(*range(100))

    answers = in_one_group(wrapped(leader, broken), *followers)

    assert [answer.status_code for answer in answers] == [503, 201, 201]
    assert not IdempotencyKey.objects.filter(key="k1").exists()
    retried = leader()
    check_that_each_was_carried_out_once(pay, [retried, *answers[1:]])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OperationalError("injected"), "error"),
        (RuntimeError("injected"), "error"),
        (IntegrityError("injected"), "constraint"),
    ],
    ids=str,
)
def test_a_dissolved_group_is_counted_by_its_reason(calls, in_one_group, error, reason):
    value = partial(REGISTRY.get_sample_value, "ledger_groups_dissolved_total", {"reason": reason})
    before = value() or 0
    leader, *followers = calls(3)

    in_one_group(wrapped(leader, FaultAfter("write", error)), *followers)

    assert value() - before == 1


def test_members_whose_time_is_over_in_the_queue_are_503_and_nothing_is_done(
    pay, calls, gated, monkeypatch
):
    gate = gated()
    monkeypatch.setattr(gate.combiner, "_patience", 0.01)
    [call] = calls(1)

    answer = call()

    assert answer.status_code == 503
    assert answer.json()["detail"] == Busy.detail
    assert gate.combiner.waiting == 0
    assert not IdempotencyKey.objects.filter(key="k1").exists()
    gate.open()
    check_that_each_was_carried_out_once(pay, [call()])


def test_a_request_whose_group_fails_late_is_not_carried_out_on_its_own(pay, monkeypatch):
    call = pay(1, key="late")

    with monkeypatch.context() as patch:
        patch.setattr(groups, "GROUP_SECONDS", 0)
        late = wrapped(call, FaultAfter("write", OperationalError()))()
    assert (late.status_code, late["Retry-After"]) == (503, "1")
    assert not IdempotencyKey.objects.filter(key="late").exists()

    retried = call()
    assert (retried.status_code, "Idempotent-Replayed" in retried) == (201, False)
