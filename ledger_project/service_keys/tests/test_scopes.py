"""Each operation needs the scope that it declares, and a person needs none."""

import re
import uuid
from typing import Any

import pytest
from django.urls import URLPattern

from accounts.models import Account
from api.operations import handler_of
from api.scopes import ONLY_PEOPLE, Scope
from conftest import LedgerClient
from events.webhooks.views import webhooks
from ledger_project import urls
from ledger_project.service_keys.tests.keys import client_with
from ledger_project.tests.pages import rows
from transfers import services

pytestmark = pytest.mark.django_db

METHODS = ("get", "head", "post", "patch", "delete")


def operations() -> dict[tuple[str, str], Any]:
    """Return the declared scope of each operation that requires a token, by route and method."""
    found = {}
    for route in urls.urlpatterns:
        cls = getattr(route.callback, "cls", None) if isinstance(route, URLPattern) else None
        if cls is None or not cls.authentication_classes:
            continue
        for method in METHODS:
            handler = handler_of(route.callback, method)
            if handler is not None:
                operation = getattr(handler, "operation", None)
                found[str(route.pattern), method] = getattr(operation, "scope", None)
    return found


OPERATIONS = operations()
OTHERS = {scope: [each.value for each in Scope if each != scope] for scope in Scope}


def path_of(route: str) -> str:
    return "/" + re.sub("<[^>]+>", lambda _: str(uuid.uuid4()), route)


def test_every_operation_declares_its_scope():
    undeclared = [name for name, scope in OPERATIONS.items() if scope is None]

    assert undeclared == []
    assert len(OPERATIONS) > 30
    assert set(OPERATIONS.values()) <= {*Scope, ONLY_PEOPLE}


@pytest.mark.parametrize(("route", "method"), OPERATIONS)
def test_a_key_with_every_other_scope_is_refused_and_told_which_one_it_lacks(
    make_key, route, method
):
    scope = OPERATIONS[route, method]
    client = client_with(make_key(*OTHERS.get(scope, list(Scope))))

    answer = getattr(client, method)(path_of(route))

    assert answer.status_code == 403
    if method != "head":
        problem = answer.json()
        if scope == ONLY_PEOPLE:
            assert problem["code"] == "person_required"
        else:
            assert (problem["code"], problem["scope"]) == ("insufficient_scope", scope)
            assert f"the scope {scope}" in problem["detail"]
    assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("route", "method"), [name for name, scope in OPERATIONS.items() if scope != ONLY_PEOPLE]
)
def test_a_key_with_the_scope_is_not_refused_for_its_scopes(make_key, alice, route, method):
    held = make_key(OPERATIONS[route, method])

    with_key = getattr(client_with(held), method)(path_of(route))
    with_password = getattr(LedgerClient(alice), method)(path_of(route))

    assert with_key.status_code == with_password.status_code
    if with_key.status_code >= 400 and method != "head":
        assert with_key.json()["code"] == with_password.json()["code"]


@pytest.mark.parametrize("route", dict.fromkeys(route for route, _ in OPERATIONS))
def test_a_method_that_a_route_does_not_have_is_405_for_a_key_of_any_scope(make_key, route):
    client = client_with(make_key(Scope.WEBHOOKS_WRITE))
    others = [each for each in ("put", "delete", "options") if (route, each) not in OPERATIONS]

    statuses = {client.generic(each.upper(), path_of(route)).status_code for each in others}

    assert statuses == {405}


def test_a_token_may_have_fewer_scopes_than_its_key(make_key):
    held = make_key(Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE)
    client = client_with(held, scope="accounts:read")

    assert client.get("/accounts").status_code == 200
    assert client.post("/accounts", {"owner_name": "A"}).json()["code"] == "insufficient_scope"
    assert not Account.objects.customers().exists()


def test_a_response_is_not_replayed_to_a_key_without_the_scope(make_key, alice, funded_account):
    source, dest = funded_account(alice, 100), funded_account(alice)
    order = {"source_account_id": source.pk, "dest_account_id": dest.pk, "amount": 5}
    for path, body in (("/transfers", order), ("/accounts", {"owner_name": "A"})):
        first = LedgerClient(alice).post(path, body, key=f"of {path}".replace(" ", "-"))
        again = client_with(make_key(Scope.ACCOUNTS_READ)).post(
            path, body, key=f"of {path}".replace(" ", "-")
        )

        assert first.status_code == 201
        assert (again.status_code, again.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize("verb", ["deposit", "withdraw"])
def test_a_key_reverses_cash_only_with_the_scope_for_cash(
    make_key, make_user, funded_account, verb
):
    clerk = make_user("accounts.read_any", "transfers.reverse_any", "transfers.move_cash")
    account = funded_account(clerk, 100)
    moved = getattr(services, verb)(account_id=account.pk, amount=5, actor=clerk)
    path = f"/transfers/{moved.pk}/reverse"
    without = make_key(Scope.TRANSFERS_WRITE, Scope.ACCOUNTS_READ, owner=clerk)
    with_cash = make_key(Scope.TRANSFERS_WRITE, Scope.CASH_WRITE, owner=clerk)

    refused = client_with(without).post(path)
    done = client_with(with_cash).post(path)

    assert (refused.status_code, refused.json()["scope"]) == (403, "cash:write")
    assert done.status_code == 201


def test_the_reversal_of_cash_is_not_replayed_to_a_key_without_the_scope_for_cash(
    make_key, make_user, funded_account
):
    clerk = make_user("accounts.read_any", "transfers.reverse_any", "transfers.move_cash")
    account = funded_account(clerk, 100)
    moved = services.deposit(account_id=account.pk, amount=5, actor=clerk)
    path = f"/transfers/{moved.pk}/reverse"
    without = client_with(make_key(Scope.TRANSFERS_WRITE, Scope.ACCOUNTS_READ, owner=clerk))
    with_cash = client_with(make_key(Scope.TRANSFERS_WRITE, Scope.CASH_WRITE, owner=clerk))

    done = LedgerClient(clerk).post(path, key="undo")

    withheld = without.post(path, key="undo")
    looked_up = without.get("/idempotency-keys/undo").json()
    assert (withheld.status_code, withheld.json()["code"]) == (409, "idempotency_answer_withheld")
    assert (looked_up["response_status"], looked_up["response_body"]) == (201, None)
    assert with_cash.post(path, key="undo").json() == done.json()


@pytest.mark.parametrize(
    ("path", "body", "scope"),
    [
        ("/accounts", {"owner_name": "A"}, Scope.ACCOUNTS_WRITE),
        ("/webhooks", {"url": "https://hooks.example/token"}, Scope.WEBHOOKS_WRITE),
        ("/service-keys", {"name": "backend", "scopes": ["cash:write"]}, None),
    ],
)
def test_a_key_looks_up_only_responses_to_requests_that_it_could_have_sent(
    make_key, alice, monkeypatch, path, body, scope
):
    monkeypatch.setattr(webhooks, "addresses_of", lambda url: [])
    done = LedgerClient(alice).post(path, body, key="first")
    assert done.status_code == 201

    def looked_up(*scopes: Scope) -> dict | None:
        client = client_with(make_key(Scope.ACCOUNTS_READ, *scopes))
        return client.get("/idempotency-keys/first").json()["response_body"]

    others = [each for each in Scope if each not in (scope, Scope.ACCOUNTS_READ)]
    assert looked_up(*others) is None
    if scope is not None:
        assert looked_up(scope)["id"] == done.json()["id"]
    shown = LedgerClient(alice).get("/idempotency-keys/first").json()["response_body"]
    assert shown.keys() == done.json().keys()


def test_a_key_may_do_no_more_than_its_owner(make_key, bob, funded_account):
    foreign = funded_account(bob, 100)
    client = client_with(make_key())

    answers = [
        client.get(f"/accounts/{foreign.pk}"),
        client.post(f"/accounts/{foreign.pk}/withdraw", {"amount": 5}),
        client.get("/integrity"),
    ]

    assert [answer.json()["code"] for answer in answers] == [
        "account_not_found",
        "account_not_found",
        "permission_denied",
    ]


def test_the_page_about_service_keys_lists_the_operations_of_each_scope():
    listed = {
        row["scope"].strip("`"): set(row["operations"].replace("`", "").split(", "))
        for row in rows("docs/service-keys.md", "scope")
    }

    declared: dict[str, set[str]] = {scope.value: set() for scope in Scope}
    for (route, method), scope in OPERATIONS.items():
        if scope != ONLY_PEOPLE and method != "head":
            path = route.replace("<path:key>", "{key}")
            for name in ("account_id", "transfer_id", "approval_id", "webhook_id", "delivery_id"):
                path = path.replace(f"<id:{name}>", "{id}")
            declared[scope].add(f"{method.upper()} /{path}")
    assert listed == {scope: paths or {"none yet"} for scope, paths in declared.items()}
