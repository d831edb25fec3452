"""
What belongs to one ledger gives nothing in another one, on any route.

The routes are those of the security matrix, which has all of them. Both ledgers have the same
users, with the same ids, names and passwords, so only the ledger differs.
"""

import re
import uuid
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import Account
from api.scopes import Scope
from conftest import LedgerClient
from ledger_project.ledgers.pool import using
from ledger_project.ledgers.tests.conftest import A, B
from ledger_project.service_keys import services as service_keys
from ledger_project.tests.security_scene import Scene
from ledger_project.tests.test_security_matrix import ADMIN_ROUTES, MATRIX
from transfers import services
from transfers.kinds import Kind

PASSWORD = "a password"
# Open to everybody, or to every scrape.
OPEN = {"healthz", "readyz", "openapi.json", "docs", "", "metrics"}
# The headers that differ in each response.
EACH = {"X-Request-ID"}


class World:
    """A user with everything in ledger A, and users with the same ids and passwords in ledger B."""

    def __init__(self, ledgers):
        self.ledgers = ledgers
        prefix = uuid.uuid4().hex[:8]
        self.names = {each: f"{each}-{prefix}" for each in ("owner", "other", "root")}
        with using(ledgers[A]):
            people = {each: self._user(each) for each in self.names}
            self.rows = list(User.objects.filter(username__in=self.names.values()).values())
        with using(ledgers[B]):
            User.objects.bulk_create([User(**row) for row in self.rows])
        with using(ledgers[A]):
            self.owner = people["owner"]
            self.scene = Scene(
                people["owner"],
                people["other"],
                people["other"],
                lambda **fields: people["root"],
                self._client,
                self._fund,
            )
            self.requests = {row: self.scene.request(*row, "owner") for row in MATRIX}
            self.token = str(LedgerClient(self.owner)._credentials["HTTP_AUTHORIZATION"])
            self.refresh = str(RefreshToken.for_user(self.owner))
            self.key, self.secret = service_keys.create(
                owner=self.owner, name="all", scopes=list(Scope)
            )

    def _user(self, name):
        is_root = name == "root"
        return User.objects.create_user(
            self.names[name], password=PASSWORD, is_superuser=is_root, is_staff=is_root
        )

    def _client(self, user):
        client = LedgerClient(user)
        client.defaults["HTTP_HOST"] = A
        return client

    def _fund(self, owner, balance=0):
        account = Account.objects.create(owner=owner, owner_name="x", currency="USD")
        if balance:
            order = services.Order(
                kind=Kind.DEPOSIT, source_id=None, dest_id=account.pk, amount=balance
            )
            services.transfer(order=order, actor=self.people_root(), is_approved=True)
        return account

    def people_root(self):
        return User.objects.get(username=self.names["root"])


@pytest.fixture(scope="module")
def worlds():
    return {}


@pytest.fixture
def world(ledgers, worlds):
    # Once for the module, because nothing below changes it.
    if "it" not in worlds:
        worlds["it"] = World(ledgers)
    return worlds["it"]


def send(row, request, host, **headers):
    """Send a request of the matrix, and return what can be compared of its response."""
    (_, method), (path, body) = row, request
    client = LedgerClient()
    client.defaults["HTTP_HOST"] = host
    content = {} if method in ("GET", "HEAD", "OPTIONS") else {"data": body}
    named = {"Idempotency-Key": str(uuid.uuid4()), **headers}
    response = getattr(client, method.lower())(path, **content, headers=named)
    kept = {name: value for name, value in response.items() if name not in EACH}
    return response.status_code, kept, response.content


def exchanged(grant, host):
    """Exchange a service key for a token, as a form."""
    form = "application/x-www-form-urlencoded"
    return Client().post("/auth/token", urlencode(grant), content_type=form, headers={"Host": host})


def forged(token: str) -> str:
    """Return the token with another signature."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature[::-1]}"


def needs_token(row) -> bool:
    route, _ = row
    return route not in OPEN and not route.startswith("auth/")


ROWS = [row for row in MATRIX if needs_token(row)]


@pytest.mark.parametrize("kind", ["person", "service key"])
def test_a_token_of_one_ledger_is_forged_in_the_other_on_every_route(world, kind):
    bearer = world.token
    if kind == "service key":
        grant = {
            "grant_type": "client_credentials",
            "client_id": world.key.pk,
            "client_secret": world.secret,
        }
        bearer = f"Bearer {exchanged(grant, A).json()['access_token']}"
        refused = [exchanged({**grant, **wrong}, B) for wrong in ({}, {"client_id": uuid.uuid4()})]
        assert [each.status_code for each in refused] == [401, 401]
        assert refused[0].content == refused[1].content

    at_home = send(ROWS[0], world.requests["accounts", "GET"], A, Authorization=bearer)
    assert at_home[0] != 401
    elsewhere = {row: send(row, world.requests[row], B, Authorization=bearer) for row in MATRIX}

    nothing = {
        row: send(row, world.requests[row], B, Authorization=forged(bearer)) for row in MATRIX
    }
    open_routes = [row for row in MATRIX if row[0] in OPEN]
    assert {row: elsewhere[row] for row in ROWS} == {row: nothing[row] for row in ROWS}
    assert {row: elsewhere[row][0] for row in ROWS} == dict.fromkeys(ROWS, 401)
    assert [elsewhere[row][0] for row in open_routes] == [nothing[row][0] for row in open_routes]


def test_a_refresh_token_of_one_ledger_is_forged_in_the_other(world):
    for path in ("/auth/token/refresh", "/auth/logout"):
        row = path, "POST"
        elsewhere = send(row, (path, {"refresh": world.refresh}), B)
        assert elsewhere == send(row, (path, {"refresh": forged(world.refresh)}), B)
        assert elsewhere[0] == 401
    # And it wasn't used up.
    assert send(row, ("/auth/token/refresh", {"refresh": world.refresh}), A)[0] == 200


IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def test_an_id_of_one_ledger_is_unknown_in_the_other_on_every_route(world, ledgers):
    with using(ledgers[B]):
        root = str(LedgerClient(world.people_root())._credentials["HTTP_AUTHORIZATION"])
    rows = [row for row in ROWS if "<id:" in row[0] or row[0] in ("transfers", "transfers/batch")]
    rows = [row for row in rows if row != ("transfers", "GET") and row != ("transfers", "HEAD")]
    assert len(rows) > 30

    for row in rows:
        path, body = world.requests[row]
        unknown = str(uuid.uuid4())
        own = send(row, (path, body), B, Authorization=root)
        path_of_nothing = IDS.sub(unknown, path)
        body_of_nothing = {
            name: unknown if name.endswith("account_id") else value for name, value in body.items()
        }
        if row[0] == "transfers/batch":
            transfer = {**world.scene.order(), "source_account_id": unknown}
            body_of_nothing = {"transfers": [{**transfer, "dest_account_id": unknown}]}
        nothing = send(row, (path_of_nothing, body_of_nothing), B, Authorization=root)
        assert own[0] == nothing[0] == 404, row
        assert _without_ids(own[2]) == _without_ids(nothing[2]), row


def _without_ids(content: bytes) -> str:
    return re.sub(r"[0-9a-f-]{36}", "ID", content.decode())


def test_the_same_key_is_carried_out_once_in_each_ledger(world, ledgers):
    tokens = {}
    for host in (A, B):
        with using(ledgers[host]):
            owner = User.objects.get(username=world.names["owner"])
            tokens[host] = str(LedgerClient(owner)._credentials["HTTP_AUTHORIZATION"])
    row, request, key = ("accounts", "POST"), ("/accounts", {"owner_name": "x"}), "the-same"

    def once(host):
        headers = {"Authorization": tokens[host], "Idempotency-Key": key}
        return send(row, request, host, **headers)

    before = send(("", "GET"), (f"/idempotency-keys/{key}", {}), B, Authorization=tokens[B])
    first, again, other = once(A), once(A), once(B)
    assert [before[0], first[0], again[0], other[0]] == [404, 201, 201, 201]
    assert ["Idempotent-Replayed" in each[1] for each in (first, again, other)] == [
        False,
        True,
        False,
    ]
    assert first[2] == again[2] != other[2]


@pytest.mark.parametrize(
    ("path", "parameter"), [("/accounts", "cursor"), ("/events", "after"), ("/transfers", "cursor")]
)
def test_a_cursor_of_one_ledger_is_invalid_in_the_other(world, at, ledgers, path, parameter):
    with using(ledgers[A]):
        mine = LedgerClient(world.owner)
    mine.defaults["HTTP_HOST"] = A
    cursor = mine.get(path, {"limit": 1}).json()["next_cursor"]
    with using(ledgers[B]):
        theirs = at(B, User.objects.get(username=world.names["owner"]))

    answers = [
        (client.get(path, {"limit": 1, parameter: cursor}).status_code) for client in (mine, theirs)
    ]
    refused = theirs.get(path, {"limit": 1, parameter: cursor}).json()

    assert answers == [200, 400]
    assert refused["code"] == "invalid_cursor"


def test_a_session_of_one_ledger_is_that_of_a_stranger_in_the_other(world):
    browser, stranger = Client(), Client()
    login = {"username": world.names["root"], "password": PASSWORD}
    entered = browser.post("/admin/login/?next=/admin/", login, headers={"Host": A})
    assert (entered.status_code, entered["Location"]) == (302, "/admin/")
    assert browser.get("/admin/", headers={"Host": A}).status_code == 200

    for route in ADMIN_ROUTES:
        path = re.sub(r"<(path:)?\w*id>|\(\?P<app_label>[^)]*\)|\(\?P<url>.*\)", "0", route)
        path = "/" + re.sub(r"[\^$]", "", path)
        answers = [each.get(path, headers={"Host": B}) for each in (browser, stranger)]
        assert [each.status_code for each in answers] == [answers[1].status_code] * 2, path
        assert answers[0].get("Location") == answers[1].get("Location"), path


def test_failed_logins_in_one_ledger_are_not_counted_in_the_other(world, settings):
    settings.LOGIN_RATE = "2/minute"
    wrong = {"username": world.names["other"], "password": "wrong"}

    def log_in(host, body):
        return Client().post(
            "/auth/token", body, content_type="application/json", headers={"Host": host}
        )

    assert [log_in(A, wrong).status_code for _ in range(3)] == [401, 401, 429]
    assert log_in(B, {**wrong, "password": PASSWORD}).status_code == 200
    assert log_in(B, wrong).status_code == 401


def test_groups_and_permissions_are_those_of_the_ledger(world, ledgers):
    row, request = ("accounts", "GET"), world.requests["accounts/<id:account_id>", "GET"]
    with using(ledgers[A]):
        other = User.objects.get(username=world.names["other"])
        other.groups.add(Group.objects.get(name="Support"))
        token = str(LedgerClient(other)._credentials["HTTP_AUTHORIZATION"])
    assert send(row, request, A, Authorization=token)[0] == 200
    with using(ledgers[B]):
        other = User.objects.get(username=world.names["other"])
        account = Account.objects.create(owner_id=world.owner.pk, owner_name="x", currency="USD")
        token = str(LedgerClient(other)._credentials["HTTP_AUTHORIZATION"])
    assert send(row, (f"/accounts/{account.pk}", {}), B, Authorization=token)[0] == 404
