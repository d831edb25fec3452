"""Requests to every route that writes, and faults to inject into their statements."""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from django.contrib.auth.models import Group, User
from django.db import OperationalError, close_old_connections, connection

from accounts import services as account_services
from accounts.models import Account, AccountChange
from api.scopes import Scope
from events.webhooks import services as webhooks
from events.webhooks.models import Delivery, Endpoint
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.service_keys import services as service_keys
from ledger_project.service_keys.models import ServiceKey
from transfers import clock, services
from transfers.approvals.models import Approval
from transfers.approvals.services import ask_for_order
from transfers.models import LedgerEntry, Transfer

TABLES = (
    *(Account, AccountChange, Transfer, LedgerEntry, Approval),
    *(ServiceKey, Endpoint, Delivery, IdempotencyKey),
)
FAULTS = ["raise"] if connection.vendor == "sqlite" else ["raise", "drop"]


class Scene:
    """Two users with money, and objects for the requests to each route."""

    def __init__(self, alice, bob, staff, client_for, funded_account) -> None:
        self.alice, self.bob, self.fund = alice, bob, funded_account
        self.client, self.payee, self.clerk = map(client_for, (alice, bob, staff))
        approver = User.objects.create_user("approver")
        approver.groups.add(Group.objects.get(name="Approvers"))
        self.approver = client_for(approver)
        self.source = funded_account(alice, balance=1_000_000)
        self.dest = funded_account(bob, balance=1_000_000)

    def order(self, amount: int = 5) -> services.Order:
        return services.Order(source_id=self.source.pk, dest_id=self.dest.pk, amount=amount)

    def wire(self) -> dict:
        return {"source_account_id": self.source.pk, "dest_account_id": self.dest.pk, "amount": 5}

    def held(self) -> Transfer:
        return services.hold(order=self.order(), expires_in=timedelta(days=1), actor=self.alice)

    def posted(self, amount: int = 5) -> Transfer:
        return services.transfer(order=self.order(amount), actor=self.alice)

    def tied_up(self) -> Account:
        """Open an account whose money is reserved by an expired hold."""
        with clock.at(clock.now() - timedelta(days=2)):
            account = self.fund(self.alice, balance=5)
            order = services.Order(source_id=account.pk, dest_id=self.dest.pk, amount=5)
            services.hold(order=order, expires_in=timedelta(days=1), actor=self.alice)
        return account

    def waiting(self) -> Approval:
        return ask_for_order(order=self.order(THRESHOLD), actor=self.clerk.user)

    def fresh(self, **fields) -> Account:
        owned = {"owner": self.alice, "owner_name": "fresh", "currency": "USD", **fields}
        return Account.objects.create(**owned)

    def key(self) -> ServiceKey:
        return service_keys.create(owner=self.alice, name="k", scopes=[Scope.ACCOUNTS_READ])[0]

    def webhook(self) -> Endpoint:
        wanted = {"events": [], "account_ids": [], "description": ""}
        return webhooks.register(owner=self.alice, url="https://8.8.8.8/", **wanted)[0]

    def frozen(self) -> Account:
        return account_services.freeze(account_id=self.fresh().pk, actor=self.clerk.user)


# From this amount on, what the clerk asks for waits. Nothing else that they do is so large.
THRESHOLD = 100

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
    "wait for approval": lambda s: (s.clerk.post, "/transfers", {**s.wire(), "amount": THRESHOLD}),
    "wait for the approval of a reversal": lambda s: (
        s.clerk.post,
        f"/transfers/{s.posted(THRESHOLD).pk}/reverse",
        {},
    ),
    "approve": lambda s: (s.approver.post, f"/approvals/{s.waiting().pk}/approve", {}),
    "decline": lambda s: (
        s.approver.post,
        f"/approvals/{s.waiting().pk}/decline",
        {"reason": "no"},
    ),
    "create a service key": lambda s: (
        s.client.post,
        "/service-keys",
        {"name": "backend", "scopes": ["accounts:read"]},
    ),
    "revoke a service key": lambda s: (s.client.post, f"/service-keys/{s.key().pk}/revoke", {}),
    "register a webhook": lambda s: (s.client.post, "/webhooks", {"url": "https://8.8.8.8/"}),
    "test a webhook": lambda s: (s.client.post, f"/webhooks/{s.webhook().pk}/test", {}),
    "delete a webhook": lambda s: (s.client.delete, f"/webhooks/{s.webhook().pk}", None),
    "expiry": lambda s: (s.client.post, f"/accounts/{s.tied_up().pk}/withdraw", {"amount": 5}),
    "refusal": lambda s: (s.client.post, "/transfers", {**s.wire(), "amount": 10**12}),
}


# The routes whose requests are carried out in groups.
GROUPED = ("deposit", "withdraw", "transfer", "hold", "wait for approval", "expiry", "refusal")
# How many statements more they take when they are carried out on their own: the look-up of the user
# and the claim are two, and a refusal claims its key again.
MORE_ALONE = {**dict.fromkeys(GROUPED, 1), "refusal": 2}


def state() -> dict[str, list]:
    """Return every row as the database stores it, which takes less time than making objects."""
    row = "*" if connection.vendor == "sqlite" else "stored::text"
    rows = {}
    with connection.cursor() as cursor:
        for model in TABLES:
            key = model._meta.pk.column
            cursor.execute(f'SELECT {row} FROM "{model._meta.db_table}" stored ORDER BY {key}')
            rows[model.__name__] = cursor.fetchall()
    return rows


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


def stored(response) -> bytes:
    """Return the body of a response as it is stored: secrets aren't."""
    return re.sub(rb'(?<=secret":)"[^"]+"', b"null", response.content)


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
