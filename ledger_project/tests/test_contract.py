"""
Whatever is sent, valid or not, the OpenAPI document declares the response (promise R7).

Schemathesis generates the requests from the document and checks the responses, on the real
application with its middleware, for an owner of accounts with some transfers. It accepts any status
of an operation that has a response ``default``, so the statuses and codes are compared with those
that the views declare.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, assume, core, seed, settings
from rest_framework_simplejwt.tokens import AccessToken
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.examples import ACCOUNT_ID, OTHER_ACCOUNT_ID
from api.problems import MEDIA_TYPE
from api.scopes import Scope
from conftest import allow
from events.webhooks import services as webhooks
from ledger_project.openapi.components import KEY_SCHEMA
from ledger_project.openapi.tests.declared import DECLARED
from ledger_project.service_keys.services import create
from transfers import services
from transfers.approvals.services import ask_for_order
from transfers.services import Order

EXAMPLES_OF_EACH = 9
LEAST_CASES = 600

# Errors that a request may get although it is valid by the schema, because a schema can't express
# them: a valid cursor, accounts in the same currency, an instant in the past, a range in order, a
# URL whose host is public, an account that the caller may see.
RIGHTLY_REFUSED = {
    *("invalid_cursor", "same_account", "currency_mismatch", "future", "invalid_range"),
    *("refused_url", "unknown_account"),
}

document = schemathesis.openapi.from_wsgi("/openapi.json", WSGIHandler())


@dataclass
class World:
    """The client, and the ids that exist."""

    bearer: str
    staff_bearer: str
    ids: dict[str, list[UUID]]
    count: Iterator[int] = field(default_factory=itertools.count)

    def aim(self, value: Any) -> Any:
        """Replace three of four ids by ids that exist, because random ones never do."""
        if isinstance(value, list):
            return [self.aim(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {name: self._aim_member(name, member) for name, member in value.items()}

    def _aim_member(self, name: str, member: Any) -> Any:
        known = self.ids.get(name.removeprefix("source_").removeprefix("dest_"))
        turn = next(self.count)
        if known is None:
            return self.aim(member)
        return str(known[turn % len(known)]) if turn % 4 else member

    def freshen(self, headers: Any) -> None:
        """Replace a valid key by an unused one, so that the request isn't a replay."""
        key = headers.get("Idempotency-Key")
        if isinstance(key, str) and re.fullmatch(KEY_SCHEMA["pattern"], key):
            headers["Idempotency-Key"] = f"{key[:240]}-{next(self.count)}"


@pytest.fixture(scope="module")
def tally(request) -> Iterator[Counter]:
    """Count the cases of each operation, and check that there were enough."""
    cases: Counter[str] = Counter()
    yield cases
    seeded = f"seed {core.global_force_seed}"
    print(f"\n{cases.total()} cases for {len(cases)} operations, {seeded}")
    operations = {found.ok().label for found in document.get_all_operations()}
    picked = {item for item in request.session.items if item.module is request.module}
    if len(picked) == len(operations):
        assert set(cases) == operations
        assert cases.total() >= LEAST_CASES


@pytest.fixture
def open_connection(db) -> Iterator[None]:
    """Keep the test's connection open between requests, as Django's test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def world(open_connection, make_user, staff, funded_account) -> World:
    owner, other = make_user(), make_user()
    own = funded_account(owner, 1_000_000_00, pk=UUID(ACCOUNT_ID)).pk
    foreign = funded_account(other, 1_000_000_00, pk=UUID(OTHER_ACCOUNT_ID)).pk
    euros = funded_account(owner, 500_00, currency="EUR").pk
    paid = Order(source_id=own, dest_id=foreign, amount=10_00)
    received = Order(source_id=foreign, dest_id=own, amount=10_00)
    day = timedelta(days=1)
    transfers = [
        services.transfer(order=paid, actor=owner),
        services.transfer(order=received, actor=other),
        services.hold(order=paid, expires_in=day, actor=owner),
        services.hold(order=received, expires_in=day, actor=other),
    ]
    service_keys = [
        create(owner=user, name="backend", scopes=[Scope.ACCOUNTS_READ])[0]
        for user in (owner, other)
    ]
    allow(staff, "transfers.approve")
    approvals = [
        ask_for_order(order=order, actor=user) for order, user in ((paid, owner), (received, other))
    ]
    deliveries = []
    for user in (owner, other):
        wanted = {"events": [], "account_ids": [], "description": ""}
        endpoint, _ = webhooks.register(owner=user, url="https://8.8.8.8/", **wanted)
        deliveries.append(webhooks.test(webhook_id=endpoint.pk, actor=user))
    return World(
        bearer=f"Bearer {AccessToken.for_user(owner)}",
        staff_bearer=f"Bearer {AccessToken.for_user(staff)}",
        ids={
            "account_id": [own, foreign, own, euros],
            "transfer_id": [transfer.pk for transfer in transfers],
            "approval_id": [approval.pk for approval in approvals],
            "client_id": [key.pk for key in service_keys],
            "webhook_id": [delivery.endpoint_id for delivery in deliveries],
            "delivery_id": [delivery.pk for delivery in deliveries],
        },
    )


def has_integral_float(value: Any) -> bool:
    """Return whether a value contains a float such as 5.0, which JSON Schema calls an integer."""
    members = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        return any(map(has_integral_float, members))
    return isinstance(value, float) and value.is_integer()


def codes_of(response: Any) -> set[str]:
    """Return the codes of the errors of the fields, or else the code of the response."""
    if response.status_code not in (400, 422):
        return set()
    problem = response.json()
    return {error["code"] for error in problem.get("errors", [problem])}


@document.parametrize()
# Without it, Schemathesis would choose a seed and ignore that of pytest.
@seed(core.global_force_seed)
@settings(
    max_examples=EXAMPLES_OF_EACH,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_response_is_declared_and_every_invalid_request_refused(case, world, tally):
    assume(not has_integral_float(case.body))
    by_staff = case.operation.path.endswith(("freeze", "/approve", "/decline"))
    headers = {"Authorization": world.staff_bearer if by_staff else world.bearer}
    world.freshen(case.headers)
    if case.meta.generation.mode.is_positive:
        for part in ("path_parameters", "query", "body"):
            if isinstance(getattr(case, part), dict):
                setattr(case, part, world.aim(getattr(case, part)))

    response = case.call(headers=headers)

    tally[case.operation.label] += 1
    codes = codes_of(response)
    # Schemathesis also tries methods that a path doesn't have.
    declared = DECLARED.get(f"{case.method} {case.path}", {405: {"method_not_allowed"}})
    assert response.status_code in declared
    if response.headers.get("Content-Type") == [MEDIA_TYPE]:
        # For clients, the document allows codes that it doesn't list. Here, none may occur.
        assert response.json()["code"] in declared[response.status_code]
    excluded = [positive_data_acceptance] if codes and codes <= RIGHTLY_REFUSED else []
    case.validate_response(response, headers=headers, excluded_checks=excluded)
