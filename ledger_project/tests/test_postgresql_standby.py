"""A hot standby answers every GET like its primary, or says why it can't."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from accounts.exceptions import HistoryMayGrow
from api.exceptions import ConflictInDatabase, ReadOnlyDatabase
from api.tests.contract import assert_invalid, assert_problem, instant
from database.postgresql import standby as replayed
from events.models import Event
from events.tests.open_transactions import held_open
from ledger_project.server.tests.sockets import wait_until
from ledger_project.tests.failovers import ask
from ledger_project.tests.postgresql_servers import superuser
from ledger_project.tests.security_scene import Scene
from ledger_project.tests.test_security_matrix import MATRIX
from transfers import clock, services
from transfers.models import LedgerEntry

pytestmark = pytest.mark.django_db(transaction=True)

GETS = [route for route, method in MATRIX if method == "GET"]
# What a standby answers in another way: see the tests of each.
OWN_ANSWERS = {"readyz", "metrics"}
# When something was read, and cursors of the event log, each of which is encrypted anew.
OF_THIS_READ = {"at", "checked_at", "next_cursor"}
# The answers of `past` if the history up to an instant isn't known.
UNKNOWN = [(503, HistoryMayGrow.detail)] * 4


@pytest.fixture
def scene(servers, make_user, client_for, funded_account) -> Iterator[Scene]:
    """People and objects on the primary, to which the service is connected."""
    with servers.on_primary():
        people = make_user(), make_user(), make_user(is_staff=True)
        yield Scene(*people, make_user, client_for, funded_account)


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Don't let a read wait long for what this test withholds."""
    monkeypatch.setattr(replayed, "PATIENCE", 0.1)


def seen(response: HttpResponseBase) -> tuple[int, Any]:
    """Return the status and the body of a response, without what differs in every response."""
    body = response.getvalue()
    if "json" in response.headers.get("Content-Type", ""):
        body = {name: each for name, each in json.loads(body).items() if name not in OF_THIS_READ}
    return response.status_code, body


# ── Every route ──────────────────────────────────────────────────────────────────────────────────


def test_every_get_is_answered_as_on_the_primary(servers, scene):
    paths = [scene.request(route, "GET", "owner")[0] for route in GETS if route not in OWN_ANSWERS]
    paths += ["/readyz?for=reads", "/events?wait=1&limit=1"]
    people = [scene.client("owner"), scene.client("superuser")]

    def answers() -> dict[tuple[int, str], Any]:
        found = {(n, path): seen(each.get(path)) for n, each in enumerate(people) for path in paths}
        csv = people[0].get(
            f"/accounts/{scene.source.pk}/statement", headers={"Accept": "text/csv"}
        )
        return found | {(0, "csv"): seen(csv)}

    on_primary = answers()
    with servers.on_standby():
        on_standby = answers()

    assert on_standby == on_primary
    assert {status for status, _ in on_standby.values()} == {200, 302, 403, 404}
    assert [status for (who, _), (status, _) in on_standby.items() if who == 0].count(200) == len(
        paths
    ) + 1 - len(["/", "/integrity"])


def test_a_scrape_of_a_standby_has_all_metrics(servers, client):
    def names() -> set[str]:
        lines = client.get("/metrics").content.decode().splitlines()
        return {line.split()[2] for line in lines if line.startswith("# TYPE")}

    with servers.on_primary():
        on_primary = names()
    with servers.on_standby():
        assert names() == on_primary


def test_staff_who_are_logged_in_can_see_every_page_of_the_admin(servers, scene):
    browser = Client()
    browser.force_login(scene.people["superuser"])
    pages = ["/admin/", "/admin/find/?q=user"]
    for model in apps.get_models():
        if admin.site.is_registered(model):
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            pages.append(reverse(f"{name}_changelist"))
            pages += [reverse(f"{name}_change", args=[row.pk]) for row in model.objects.all()[:1]]

    with servers.on_standby():
        statuses = {page: browser.get(page).status_code for page in pages}
        login = Client(raise_request_exception=False).post(
            "/admin/login/", {"username": "a", "password": "b"}
        )

    assert statuses == dict.fromkeys(pages, 200)
    assert login.status_code == 503
    assert ReadOnlyDatabase.page[0] in login.content.decode()


@pytest.mark.parametrize("path", ["/accounts", "/auth/token"])
def test_a_write_is_503_and_says_that_the_database_can_only_be_read(servers, scene, path):
    body = {"username": "a", "password": "b"} if path == "/auth/token" else {"owner_name": "Ann"}
    with servers.on_standby():
        response = scene.client("owner").post(path, body)
    assert_problem(response, 503, "temporarily_unavailable", detail=ReadOnlyDatabase.detail)
    assert response["Retry-After"] == "1"


def test_the_books_can_be_verified_on_a_standby(servers, scene):
    said, warned = StringIO(), StringIO()
    with servers.on_standby():
        call_command("verify_ledger", stdout=said, stderr=warned)

    assert "All " in said.getvalue().splitlines()[-1]
    assert warned.getvalue().startswith("The report couldn't be stored for GET /integrity: ")


def test_a_read_that_delays_the_replay_is_ended_with_the_reason(servers, scene):
    api, begun, vacuumed = scene.client("superuser"), [], []

    def vacuum_during_the_audit(execute: Any, sql: str, *rest: Any) -> Any:
        """Remove rows on the primary that the snapshot of the audit may still need."""
        begun.extend([sql] * ("REPEATABLE READ" in sql))
        if begun and "transfers_ledgerentry" in sql and not vacuumed:
            vacuumed.append(sql)
            with psycopg.connect(superuser(servers.primary.url, "ledger"), autocommit=True) as own:
                own.execute("CREATE TABLE doomed AS SELECT generate_series(1, 1000)")
                own.execute("DELETE FROM doomed")
                own.execute("VACUUM doomed")
            servers.catch_up()
        return execute(sql, *rest)

    setting, reload = "max_standby_streaming_delay", "SELECT pg_reload_conf()"
    ask(servers.standby, f"ALTER SYSTEM SET {setting} = 0", reload)
    try:
        with servers.on_standby(), connection.execute_wrapper(vacuum_during_the_audit):
            ended = api.get("/integrity")
    finally:
        ask(servers.standby, f"ALTER SYSTEM RESET {setting}", reload)

    assert_problem(ended, 503, "temporarily_unavailable", detail=ConflictInDatabase.detail)


# ── The past of an account ───────────────────────────────────────────────────────────────────────


def deposit(scene: Scene, account: Any) -> LedgerEntry:
    services.deposit(account_id=account.pk, amount=7, actor=scene.people["superuser"])
    return LedgerEntry.objects.filter(account=account).latest("sequence")


def past(scene: Scene, at: datetime) -> list[tuple[int, Any]]:
    """Return what the service says of the history of an account up to an instant."""
    path, api = f"/accounts/{scene.source.pk}", scene.client("owner")
    csv = {"Accept": "text/csv"}
    return [
        seen(api.get(f"{path}/balance", {"at": instant(at)})),
        seen(api.get(f"{path}/statement", {"from": instant(at)})),
        seen(api.get(f"{path}/statement", {"to": instant(at)})),
        seen(api.get(f"{path}/statement", {"to": instant(at)}, headers=csv)),
    ]


def test_a_standby_knows_the_past_of_an_account(servers, scene):
    first = LedgerEntry.objects.get(account=scene.source)
    last = deposit(scene, scene.source)
    # The last one is later than all postings to the account, but before a commit.
    elsewhere = deposit(scene, scene.dest)
    moment = timedelta(microseconds=1)
    instants = [first.ts - moment, first.ts, last.ts - moment, last.ts, elsewhere.ts]

    on_primary = [past(scene, at) for at in instants]
    with servers.on_standby():
        assert [past(scene, at) for at in instants] == on_primary
    assert {status for answers in on_primary for status, _ in answers} == {200}


def test_without_a_time_a_standby_returns_the_balance_at_its_last_posting(servers, scene):
    last = deposit(scene, scene.source)
    path, api = f"/accounts/{scene.source.pk}/balance", scene.client("owner")

    with servers.on_standby():
        now = api.get(path)

    assert (now.status_code, now.json()["at"]) == (200, instant(last.ts))
    assert now.json()["balance"] == 107
    assert api.get(path, {"at": instant(last.ts)}).json() == now.json()


def test_a_time_in_the_future_is_refused_as_on_the_primary(servers, scene):
    path, api, far = f"/accounts/{scene.source.pk}", scene.client("owner"), "9000-01-01T00:00:00Z"
    with servers.on_standby():
        balance = api.get(f"{path}/balance", {"at": far})
        statement = api.get(f"{path}/statement", {"to": far})

    assert_invalid(balance, ("#/at", "future"))
    assert (statement.status_code, statement.json()["closing_balance"]) == (200, 100)


def test_a_standby_does_not_answer_while_somebody_may_still_post_before_that_time(
    servers, scene, impatient
):
    # The last transaction that has ended began before the one that is open. So a snapshot of the
    # standby ends before the open one.
    earlier = held_open(lambda: deposit(scene, scene.dest))
    earlier.__enter__()
    with held_open(lambda: deposit(scene, scene.source)):
        at = clock.now()
        earlier.__exit__(None, None, None)
        with servers.on_standby():
            while_open = past(scene, at)
    with servers.on_standby():
        on_standby = past(scene, at)

    assert [(status, body["detail"]) for status, body in while_open] == UNKNOWN
    assert on_standby == past(scene, at)
    assert on_standby[0][1]["balance"] == 107


def test_a_standby_that_is_behind_does_not_answer_for_a_time_that_it_has_not_reached(
    servers, scene, impatient
):
    with servers.paused():
        at = deposit(scene, scene.source).ts
        with servers.on_standby_as_it_is():
            behind = past(scene, at)
    deposit(scene, scene.dest)
    with servers.on_standby():
        on_standby = past(scene, at)

    assert [(status, body["detail"]) for status, body in behind] == UNKNOWN
    assert on_standby == past(scene, at)


# ── The order of events ──────────────────────────────────────────────────────────────────────────


def test_no_event_appears_on_a_standby_before_one_that_was_read(servers, scene):
    api = scene.client("superuser")

    def read(cursor: str | None) -> tuple[list[str], str]:
        """Return the ids of the events after a cursor, and the next cursor."""
        page = api.get("/events", {"limit": 100, **({"after": cursor} if cursor else {})}).json()
        return [each["id"] for each in page["items"]], page["next_cursor"]

    def read_three(cursor: str) -> tuple[list[str], str]:
        """Read until there are three events. Autovacuum, for example, can delay them."""
        found: list[str] = []

        def is_complete() -> bool:
            nonlocal cursor
            page, cursor = read(cursor)
            found.extend(page)
            return len(found) >= 3

        wait_until(is_complete)
        return found, cursor

    wait_until(lambda: not Event.objects.hidden().exists())
    before = Event.objects.latest("number").number
    start = None
    while (page := read(start))[0]:
        start = page[1]
    with held_open(lambda: deposit(scene, scene.source)):
        # Two transactions with higher ids end before this one.
        deposit(scene, scene.dest)
        deposit(scene, scene.empty)
        with servers.on_standby():
            replayed_events = Event.objects.filter(number__gt=before).count()
            while_open, cursor = read(start)
    with servers.on_standby():
        after, last = read_three(cursor)
        nothing, _ = read(last)

    assert (replayed_events, while_open, nothing) == (2, [], [])
    assert after == read_three(start)[0]
