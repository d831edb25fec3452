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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.db import OperationalError, close_old_connections, connection

from accounts import services as account_services
from accounts.models import Account, AccountChange
from ledger_project.idempotency.models import IdempotencyKey
from transfers import clock, services
from transfers.models import LedgerEntry, Transfer

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = (Account, AccountChange, Transfer, LedgerEntry, IdempotencyKey)
FAULTS = ["raise"] if connection.vendor == "sqlite" else ["raise", "drop"]


class Scene:
    """Two users with money, and objects for the requests to each route."""

    def __init__(self, alice, bob, staff, client_for, funded_account) -> None:
        self.alice, self.bob, self.fund = alice, bob, funded_account
        self.client, self.payee, self.clerk = map(client_for, (alice, bob, staff))
        self.source = funded_account(alice, balance=1_000_000)
        self.dest = funded_account(bob, balance=1_000_000)

    def order(self, amount: int = 5) -> services.Order:
        return services.Order(source_id=self.source.pk, dest_id=self.dest.pk, amount=amount)

    def wire(self) -> dict:
        return {"source_account_id": self.source.pk, "dest_account_id": self.dest.pk, "amount": 5}

    def held(self) -> Transfer:
        return services.hold(order=self.order(), expires_in=timedelta(days=1), actor=self.alice)

    def posted(self) -> Transfer:
        return services.transfer(order=self.order(), actor=self.alice)

    def tied_up(self) -> Account:
        """Open an account whose money is reserved by an expired hold."""
        with clock.at(clock.now() - timedelta(days=2)):
            account = self.fund(self.alice, balance=5)
            order = services.Order(source_id=account.pk, dest_id=self.dest.pk, amount=5)
            services.hold(order=order, expires_in=timedelta(days=1), actor=self.alice)
        return account

    def fresh(self, **fields) -> Account:
        owned = {"owner": self.alice, "owner_name": "fresh", "currency": "USD", **fields}
        return Account.objects.create(**owned)

    def frozen(self) -> Account:
        return account_services.freeze(account_id=self.fresh().pk, actor=self.clerk.user)


@pytest.fixture
def scene(alice, bob, staff, client_for, funded_account) -> Scene:
    return Scene(alice, bob, staff, client_for, funded_account)


# Functions that prepare a request, and return its client, path and body.
ROUTES: dict[str, Callable[[Scene], tuple]] = {
    "open": lambda s: (s.client.post, "/accounts", {"owner_name": "new"}),
    "rename": lambda s: (
        s.client.patch,
        f"/accounts/{s.source.pk}",
        {"owner_name": f"name {uuid.uuid4()}"},
    ),
    "deposit": lambda s: (s.client.post, f"/accounts/{s.source.pk}/deposit", {"amount": 5}),
    "withdraw": lambda s: (s.client.post, f"/accounts/{s.source.pk}/withdraw", {"amount": 5}),
    "close": lambda s: (s.client.post, f"/accounts/{s.fresh().pk}/close", {}),
    "freeze": lambda s: (s.clerk.post, f"/accounts/{s.fresh().pk}/freeze", {}),
    "unfreeze": lambda s: (
        s.clerk.post,
        f"/accounts/{s.frozen().pk}/unfreeze",
        {},
    ),
    "transfer": lambda s: (s.client.post, "/transfers", s.wire()),
    "hold": lambda s: (s.client.post, "/transfers", {**s.wire(), "hold": True}),
    "batch": lambda s: (s.client.post, "/transfers/batch", {"transfers": [s.wire(), s.wire()]}),
    "capture": lambda s: (s.payee.post, f"/transfers/{s.held().pk}/capture", {"amount": 3}),
    "void": lambda s: (s.payee.post, f"/transfers/{s.held().pk}/void", {}),
    "reverse": lambda s: (s.payee.post, f"/transfers/{s.posted().pk}/reverse", {}),
    "expiry": lambda s: (s.client.post, f"/accounts/{s.tied_up().pk}/withdraw", {"amount": 5}),
    "refusal": lambda s: (s.client.post, "/transfers", {**s.wire(), "amount": 10**12}),
}


# The routes whose requests are carried out in groups.
GROUPED = ("deposit", "withdraw", "transfer", "hold", "expiry", "refusal")
# The numbers of their statements when they are carried out on their own.
STATEMENTS_ALONE = {**dict.fromkeys(GROUPED, 5), "expiry": 6, "refusal": 6}


def state() -> dict[str, list]:
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in TABLES}


def sizes(before: dict[str, list], after: dict[str, list]) -> dict[str, int]:
    return {name: len(after[name]) - len(before[name]) for name in before}


class Fault:
    """An execute wrapper that counts statements and fails those with the numbers ``at``."""

    def __init__(self, *at: int, kind: str = "raise", after: bool = False) -> None:
        self.at, self.kind, self.after, self.count = at, kind, after, 0

    def __call__(self, execute, sql, params, many, context):
        hit, self.count = self.count in self.at, self.count + 1
        if hit and not self.after:
            self.fail()
        result = execute(sql, params, many, context)
        if hit and self.after:
            self.fail()
        return result

    def fail(self) -> None:
        if self.kind == "drop":
            connection.connection.close()
        raise OperationalError("injected")


def send(request: tuple, key: str, fault: Fault):
    call, path, body = request
    with connection.execute_wrapper(fault):
        response = call(path, body, key=key)
    close_old_connections()  # As the server does between requests.
    return response


@contextmanager
def failing_commit(acknowledged: bool, times: int = 100):
    """Make the next COMMITs fail, or succeed with a lost acknowledgement."""
    commit, left = connection.commit, iter(range(times))

    def fail() -> None:
        fails = next(left, None) is not None
        if acknowledged or not fails:
            commit()
        if not fails:
            return
        raise OperationalError("injected")

    connection.commit = fail
    try:
        yield
    finally:
        connection.commit = commit


class Effect(NamedTuple):
    """The number of statements of a request, the rows that it adds, and its status."""

    statements: int
    rows: dict[str, int]
    status: int


def expected_effect(route: str, scene: Scene) -> Effect:
    """Send a request to a route, and return its effect."""
    request, counting = ROUTES[route](scene), Fault()
    before = state()
    response = send(request, str(uuid.uuid4()), counting)
    return Effect(counting.count, sizes(before, state()), response.status_code)


def every_fault(statements: int, *earlier: int) -> Iterator[Fault]:
    """Yield each fault at each of a number of statements, after the ``earlier`` ones."""
    for at in range(statements):
        for kind in FAULTS:
            for after in (False, True):
                yield Fault(*earlier, len(earlier) + at, kind=kind, after=after)


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
    assert (again.content, again["Idempotent-Replayed"]) == (retried.content, "true")


@pytest.mark.parametrize("route", ROUTES)
def test_a_fault_at_any_statement_rolls_back_and_a_retry_has_one_effect(route, scene):
    effect = expected_effect(route, scene)
    assert effect.statements >= 4
    # A grouped route is carried out on its own after the first statement of its group has failed.
    earlier = [0] if route in GROUPED else []

    for fault in every_fault(STATEMENTS_ALONE.get(route, effect.statements), *earlier):
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
