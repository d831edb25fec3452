"""The service sends reads to a standby that has everything, and all others to the primary."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db.utils import ConnectionHandler

from accounts.models import Account
from api.tests.contract import instant
from audit import verdict
from database.exceptions import UnusableDatabase
from database.postgresql import replay
from events.tests.open_transactions import held_open
from ledger_project.database_url import database_of
from ledger_project.server.tests.sockets import wait_until
from ledger_project.tests.live import LiveClient, LiveServer, live_server
from ledger_project.tests.pages import text
from ledger_project.tests.postgresql_servers import manage, superuser
from tools.with_postgres import Server, free_port
from transfers import clock

pytestmark = pytest.mark.django_db(transaction=True)

ANSWERED = re.compile(rb'ledger_reads_total\{database="(\w+)",reason="(\w+)"\} (\S+)')
CURRENT = ("standby", "current")
BEHIND, UNAVAILABLE, FAILED = [("primary", each) for each in ("behind", "unavailable", "failed")]


@pytest.fixture(scope="module")
def service(servers, tmp_path_factory) -> Iterator[LiveServer]:
    with live_server(
        LEDGER_DATABASE_URL=servers.primary.url,
        LEDGER_READ_DATABASE_URL=servers.standby.url,
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path_factory.mktemp("metrics")),
    ) as server:
        yield server


@pytest.fixture
def superuser_there(servers, make_user) -> User:
    with servers.on_primary():
        return make_user(is_superuser=True)


def answered(service: LiveServer) -> dict[tuple[str, str], float]:
    """Return how many reads were answered by each database, for each reason."""
    with LiveClient(service.port) as client:
        scraped = client.get("/metrics").content
    return {
        (database.decode(), reason.decode()): float(count)
        for database, reason, count in ANSWERED.findall(scraped)
    }


def count(service: LiveServer, which: tuple[str, str]) -> float:
    return answered(service).get(which, 0)


def wait_for_more(
    service: LiveServer, which: tuple[str, str], read: Callable[[], object] = lambda: None
) -> None:
    """Read until another one is counted, if others don't read."""
    before = count(service, which)

    def is_counted() -> bool:
        read()
        return count(service, which) > before

    wait_until(is_counted)


def test_lists_statements_exports_and_the_audit_go_to_the_standby(service, superuser_there):
    with LiveClient(service.port, superuser_there) as client:
        account = client.post("/accounts", {"owner_name": "Ann"}).json()["id"]
        client.post(f"/accounts/{account}/deposit", {"amount": 5})
        statement = f"/accounts/{account}/statement"

        def is_from_standby(path: str) -> bool:
            before = count(service, CURRENT)
            response = client.get(path)
            assert (response.status, path) == (200, path)
            return count(service, CURRENT) == before + 1

        for path in (
            *("/accounts", "/transfers", "/approvals", "/events", "/webhooks", "/service-keys"),
            *(statement, f"{statement}?to=2026-01-01T00:00:00Z", "/integrity"),
        ):
            wait_until(lambda path=path: is_from_standby(path))
        client.headers["Accept"] = "text/csv"
        wait_until(lambda: is_from_standby(statement))
        del client.headers["Accept"]
        before = answered(service)
        alone = [client.get(f"/accounts/{account}"), client.get(f"/accounts/{account}/balance")]

    assert [each.status for each in alone] == [200, 200]
    assert answered(service) == before


def test_metrics_tell_how_far_the_standby_is_behind(service, servers, superuser_there):
    def figures() -> dict[str, float]:
        with LiveClient(service.port) as client:
            lines = client.get("/metrics").content.decode().splitlines()
        pairs = [line.split() for line in lines if line.startswith("ledger_standby_")]
        return {name: float(value) for name, value in pairs}

    with servers.paused(), LiveClient(service.port, superuser_there) as client:
        client.post("/accounts", {"owner_name": "Ann"})
        behind = figures()
    wait_until(lambda: figures()["ledger_standby_lag_bytes"] == 0)

    assert list(behind) == [f"ledger_standby_{each}" for each in ("up", "lag_bytes", "lag_seconds")]
    assert behind["ledger_standby_up"] == 1
    assert behind["ledger_standby_lag_bytes"] > 0
    assert behind["ledger_standby_lag_seconds"] > 0


def test_the_alerts_and_the_dashboard_use_metrics_of_the_standby_that_exist(
    service, superuser_there
):
    files = ("prometheus/alerts.yml", "grafana/dashboards/mini-ledger.json")
    used = re.findall(
        r"\bledger_(?:standby|reads)_\w+", "".join(text(f"deploy/{each}") for each in files)
    )

    with LiveClient(service.port, superuser_there) as client:
        client.get("/accounts")
        scraped = client.get("/metrics").content.decode()

    assert set(used) == {*("ledger_reads_total", "ledger_standby_up", "ledger_standby_lag_seconds")}
    assert [name for name in used if f"# TYPE {name} " not in scraped] == []


def test_the_primary_answers_what_the_standby_cannot_know(
    service, servers, superuser_there, funded_account
):
    with servers.on_primary():
        busy, quiet = (funded_account(superuser_there, 100) for _ in range(2))
        path = f"/accounts/{quiet.pk}/statement?to={instant(clock.now())}"
        with (
            held_open(lambda: Account.objects.locked(busy.pk)),
            LiveClient(service.port, superuser_there) as client,
        ):
            wait_for_more(service, FAILED, lambda: client.get(path))
            page = client.get(path)

    assert (page.status, page.json()["closing_balance"]) == (200, 100)


def test_whatever_happens_to_the_standby_everybody_reads_what_they_have_written(
    service, servers, superuser_there
):
    is_over = threading.Event()

    def write_and_read() -> int:
        turns = 0
        with LiveClient(service.port, superuser_there) as client:
            account = client.post("/accounts", {"owner_name": "Ann"}).json()["id"]
            while not is_over.is_set():
                turns += 1
                written = client.post(f"/accounts/{account}/deposit", {"amount": 5})
                # With another connection, which may lead to another worker.
                with LiveClient(service.port, superuser_there) as other:
                    read = other.get(f"/accounts/{account}/statement?limit=1")
                assert (written.status, read.status) == (200, 200), read.content
                assert read.json()["items"][0]["sequence"] == turns
        return turns

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write_and_read) for _ in range(4)]
        try:
            wait_for_more(service, CURRENT)
            with servers.paused():
                wait_for_more(service, BEHIND)
            wait_for_more(service, CURRENT)
            servers.standby.kill()
            wait_for_more(service, UNAVAILABLE)
            servers.standby.start_again()
            wait_for_more(service, CURRENT)
        finally:
            is_over.set()
        assert all(writer.result() > 1 for writer in writers)


def test_a_user_who_is_deactivated_is_refused_at_once(service, servers, make_user):
    with servers.on_primary():
        user = make_user()
    with LiveClient(service.port, user) as client:
        before = client.get("/accounts").status
        with servers.paused():
            with servers.on_primary():
                User.objects.filter(pk=user.pk).update(is_active=False)
            after = client.get("/accounts").status

    assert (before, after) == (200, 401)


@contextmanager
def connected(server: Server) -> Iterator[Any]:
    """Return another connection of this process."""
    database = database_of(server.url, settings.BASE_DIR, is_command=False)
    with closing(ConnectionHandler({"default": database})["default"]) as connection:
        yield connection


def test_only_a_standby_of_the_same_database_is_used(servers):
    with connected(servers.primary) as primary, connected(servers.standby) as standby:
        position, identity = replay.position_of(primary), replay.identity_of(primary)
        assert position is not None
        other_timeline = f"{'F' * 8} {position.partition(' ')[2]}"

        assert replay.has_replayed(standby, position, identity, 60)
        assert not replay.has_replayed(standby, other_timeline, identity, 0)
        with pytest.raises(UnusableDatabase, match="isn't a standby of LEDGER_DATABASE_URL"):
            replay.has_replayed(standby, position, ["0", *identity[1:]], 0)
        with pytest.raises(UnusableDatabase, match=r"READ_DATABASE_URL isn't a standby\.$"):
            replay.has_replayed(primary, position, identity, 0)
        assert replay.position_of(standby) is None


COMMIT = "SELECT pg_logical_emit_message(true, 'a test', '')"
LOOKED = "SELECT FROM pg_stat_activity WHERE strpos(query, %s) > 0 AND pid <> pg_backend_pid()"


def test_a_commit_that_is_just_being_replayed_is_no_lag(servers, monkeypatch):
    def lag() -> tuple[int, float]:
        with connected(servers.primary) as primary, connected(servers.standby) as standby:
            monkeypatch.setattr(replay, "connection", primary)
            monkeypatch.setattr(replay, "connections", {replay.READS: standby})
            return replay.lag()

    def has_looked() -> bool:
        with psycopg.connect(superuser(servers.standby.url), autocommit=True) as session:
            return session.execute(LOOKED, [replay.REPLAYED.partition("%s")[0]]).fetchall() != []

    monkeypatch.setattr(replay, "GRACE_SECONDS", 600)
    with ThreadPoolExecutor(1) as thread:
        with servers.paused():
            with psycopg.connect(servers.primary.url, autocommit=True) as session:
                session.execute(COMMIT)
            measured = thread.submit(lag)
            wait_until(has_looked)
        assert measured.result() == (0, 0.0)


READ_ROWS = "SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) FROM pg_stat_user_tables"


def test_the_books_are_verified_on_the_standby(servers, monkeypatch):
    def rows_read() -> int:
        with psycopg.connect(servers.standby.url, autocommit=True) as session:
            [rows] = session.execute(READ_ROWS).fetchone() or [0]
            return int(rows)

    before = rows_read()
    monkeypatch.setenv("LEDGER_READ_DATABASE_URL", servers.standby.url)
    verified = manage(servers.primary.url, "verify_ledger")
    wait_until(lambda: rows_read() > before)
    place = servers.standby.url.rpartition(":")[0]
    monkeypatch.setenv("LEDGER_READ_DATABASE_URL", f"{place}:{free_port()}/ledger")
    without = manage(servers.primary.url, "verify_ledger")

    assert (verified.returncode, verified.stderr) == (0, "")
    assert without.returncode == 0
    assert without.stderr.startswith("The standby can't be verified, so the primary is: ")
    with servers.on_primary():
        report = verdict.stored()
    assert report is not None
    assert report.ok
