"""
Fail at every SQL statement of every route that writes, and check that no change is partial.

Each statement is made to fail before and after it is run, by an error and (on PostgreSQL) by a
connection that breaks; and COMMIT fails, or succeeds without its response arriving. The state is
then none or all, the client has seen a 503, and a retry with the same key has exactly one effect.
The order of the faults is fixed: a failure names its route, statement and fault.
"""

import uuid
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta

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


def state() -> dict[str, list]:
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in TABLES}


def sizes(before: dict[str, list], after: dict[str, list]) -> dict[str, int]:
    return {name: len(after[name]) - len(before[name]) for name in before}


class Fault:
    """An execute wrapper that counts statements and fails the one with the number ``at``."""

    def __init__(self, at: int = -1, kind: str = "raise", after: bool = False) -> None:
        self.at, self.kind, self.after, self.count = at, kind, after, 0

    def __call__(self, execute, sql, params, many, context):
        hit, self.count = self.count == self.at, self.count + 1
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
def failing_commit(acknowledged: bool):
    """Make COMMIT fail, or succeed with a lost acknowledgement."""
    commit = connection.commit

    def fail() -> None:
        if acknowledged:
            commit()
        raise OperationalError("injected")

    connection.commit = fail
    try:
        yield
    finally:
        connection.commit = commit


def expected_effect(route: str, scene: Scene) -> tuple[int, dict[str, int], int]:
    """Return the number of statements of a route, the rows that it adds, and its status."""
    request, before, counting = ROUTES[route](scene), None, Fault()
    before = state()
    response = send(request, str(uuid.uuid4()), counting)
    return counting.count, sizes(before, state()), response.status_code


@pytest.mark.parametrize("route", ROUTES)
def test_a_fault_at_any_statement_rolls_back_and_a_retry_has_one_effect(route, scene):
    statements, effect, status = expected_effect(route, scene)
    assert statements >= 4

    for at in range(statements):
        for kind in FAULTS:
            for after in (False, True):
                where = (route, at, kind, after)
                request, key = ROUTES[route](scene), str(uuid.uuid4())
                before = state()

                failed = send(request, key, Fault(at, kind, after))
                assert (failed.status_code, failed["Retry-After"]) == (503, "1"), where
                assert state() == before, where

                retried = send(request, key, Fault())
                again = send(request, key, Fault())
                assert retried.status_code == status, where
                assert "Idempotent-Replayed" not in retried, where
                assert sizes(before, state()) == effect, where
                assert (again.content, again["Idempotent-Replayed"]) == (retried.content, "true")


def test_a_fault_at_any_statement_of_a_replay_changes_nothing(scene):
    request, key, counting = ROUTES["transfer"](scene), str(uuid.uuid4()), Fault()
    first = send(request, key, Fault())
    send(request, key, counting)
    before = state()

    for at in range(counting.count):
        for kind in FAULTS:
            for after in (False, True):
                failed = send(request, key, Fault(at, kind, after))
                again = send(request, key, Fault())

                assert (failed.status_code, failed["Retry-After"]) == (503, "1"), (at, kind, after)
                assert again.content == first.content
                assert state() == before


@pytest.mark.parametrize("route", ROUTES)
def test_a_failed_commit_rolls_back_and_a_retry_has_one_effect(route, scene):
    _, effect, status = expected_effect(route, scene)
    request, key = ROUTES[route](scene), str(uuid.uuid4())
    before = state()

    with failing_commit(acknowledged=False):
        failed = send(request, key, Fault())
    assert failed.status_code == 503
    assert state() == before

    retried = send(request, key, Fault())
    assert retried.status_code == status
    assert sizes(before, state()) == effect


@pytest.mark.parametrize("route", ROUTES)
def test_a_commit_with_a_lost_acknowledgement_is_replayed(route, scene):
    _, effect, status = expected_effect(route, scene)
    request, key = ROUTES[route](scene), str(uuid.uuid4())
    before = state()

    with failing_commit(acknowledged=True):
        failed = send(request, key, Fault())
    assert failed.status_code == 503
    assert sizes(before, state()) == effect

    retried = send(request, key, Fault())
    assert (retried.status_code, retried["Idempotent-Replayed"]) == (status, "true")
    assert sizes(before, state()) == effect
