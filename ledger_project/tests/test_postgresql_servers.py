"""Servers that can't be written to or must not be used, and URLs with several servers."""

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.utils import ConnectionHandler
from psycopg.conninfo import conninfo_to_dict

from api.tests.contract import assert_problem
from database.exceptions import UnusableDatabase
from ledger_project.database_url import database_of
from ledger_project.tests.live import LiveServer
from ledger_project.tests.postgresql_servers import connected_to, manage, superuser, url_of
from tools.with_postgres import Server, free_port

pytestmark = pytest.mark.django_db(transaction=True)

STANDBY = "The database is a standby and can't be written to. See /readyz?for=reads."
READ_ONLY = "The database can't be written to: default_transaction_read_only is on."
LOSES = "The database would lose commits in a crash: synchronous_commit is off."


@pytest.fixture(scope="module")
def primary() -> Iterator[Server]:
    with closing(Server(fsync="off")) as server:
        assert manage(server.url, "migrate", "--verbosity", "0").returncode == 0
        yield server


@pytest.fixture(scope="module")
def standby(primary) -> Iterator[Server]:
    with closing(primary.standby(synchronous=False)) as server:
        yield server


@pytest.fixture
def sql(primary):
    """Return a function that runs a statement as the superuser of the primary."""
    with psycopg.connect(superuser(primary.url), autocommit=True) as session:
        yield session.execute


def urls(*servers: Server) -> str:
    """Return a URL of several servers that asks for a writable one."""
    places = [conninfo_to_dict(server.url) for server in servers]
    hosts = ",".join(f"{place['host']}:{place['port']}" for place in places)
    user = f"{places[0]['user']}:{places[0]['password']}"
    return f"postgres://{user}@{hosts}/ledger?target_session_attrs=read-write"


def port_of(url: str) -> int:
    """Return the port of the server to which the service connects with this URL."""
    database = database_of(url, settings.BASE_DIR, is_command=False)
    wrapper = ConnectionHandler({"default": database})["default"]
    with closing(wrapper), wrapper.cursor() as cursor:
        cursor.execute("SELECT inet_server_port()")
        return cursor.fetchone()[0]


# ── Ready for what ───────────────────────────────────────────────────────────────────────────────


def test_a_standby_is_ready_only_for_reads(client, standby):
    with connected_to(standby.url):
        writes, reads = client.get("/readyz"), client.get("/readyz?for=reads")

    assert_problem(writes, 503, "temporarily_unavailable", detail=STANDBY)
    assert reads.status_code == 200


def test_a_standby_serves_reads_and_a_write_is_503(client_for, primary, standby, alice):
    with connected_to(primary.url):
        api = client_for(type(alice).objects.create_user(f"user-{uuid.uuid4()}"))
        account = api.post("/accounts", {"owner_name": "Ann"}).json()["id"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_lsn()")
            [written] = cursor.fetchone()
    with connected_to(standby.url):
        wait_until_replayed(written)
        read = api.get(f"/accounts/{account}")
        write = api.post(f"/accounts/{account}/deposit", {"amount": 5})

    assert (read.status_code, read.json()["id"]) == (200, account)
    assert_problem(write, 503, "temporarily_unavailable", detail=write.json()["detail"])


def wait_until_replayed(position: str) -> None:
    deadline = time.monotonic() + 120
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [position])
            if cursor.fetchone() == (True,):
                return
            assert time.monotonic() < deadline, "the standby doesn't follow"
            time.sleep(0.05)


def test_readiness_reports_a_read_only_database(client, primary, sql):
    sql("ALTER DATABASE ledger SET default_transaction_read_only = on")
    try:
        with connected_to(primary.url):
            writes, reads = client.get("/readyz"), client.get("/readyz?for=reads")
    finally:
        sql("ALTER DATABASE ledger RESET ALL")

    assert_problem(writes, 503, "temporarily_unavailable", detail=READ_ONLY)
    assert reads.status_code == 200


def test_readiness_reports_that_synchronous_commit_is_off(client):
    # As behind PgBouncer, where the next transaction may use another session.
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")

    writes, reads = client.get("/readyz"), client.get("/readyz?for=reads")

    connection.close()
    assert_problem(writes, 503, "temporarily_unavailable", detail=LOSES)
    assert reads.status_code == 200


# ── Not to be used at all ────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["SQL_ASCII", "LATIN1"])
def other_encoding(request, primary, sql) -> Iterator[tuple[str, str]]:
    """The URL of a database with another encoding than UTF-8, and this encoding."""
    sql(
        f"CREATE DATABASE other OWNER ledger ENCODING '{request.param}' LOCALE_PROVIDER libc"
        " LOCALE 'C' TEMPLATE template0"
    )
    yield url_of(primary.url, "other"), request.param
    sql("DROP DATABASE other WITH (FORCE)")


def test_a_database_that_is_not_utf_8_is_refused_in_one_line(client, other_encoding):
    url, encoding = other_encoding
    reason = f"The database's encoding is {encoding}; it must be UTF8."

    for command in ("migrate", "verify_ledger", "expire_holds"):
        said = manage(url, command)
        assert (said.returncode, said.stdout) == (2, "")
        assert said.stderr == f"The database can't be used: {reason}\n"
    checked = manage(url, "check", "--database", "default")
    server = LiveServer(LEDGER_DATABASE_URL=url)
    started = subprocess.run(
        server.command(), env=server.environment, capture_output=True, text=True, check=False
    )
    with connected_to(url):
        responses = [client.get(path) for path in ("/readyz", "/readyz?for=reads")]
        live = client.get("/healthz")

    assert (started.returncode, started.stdout) == (1, "")
    [line] = started.stderr.splitlines()
    assert json.loads(line)["event"] == f"Mini Ledger can't start: {reason}"
    assert checked.returncode == 1
    assert f"(ledger_project.E001) {reason}" in checked.stderr
    for response in responses:
        assert_problem(response, 503, "temporarily_unavailable", detail=reason)
    assert live.status_code == 200


MISUSED = {
    "session_replication_role = replica": (
        "The database sets session_replication_role to replica, which disables its guards and"
        " foreign keys. Set it to origin."
    ),
    # A clock_timestamp() in the schema public would be called instead of PostgreSQL's own.
    "search_path = public, pg_catalog": (
        "The database's search_path has public before pg_catalog, so its functions could replace"
        " PostgreSQL's own. Remove pg_catalog from search_path."
    ),
}


@pytest.mark.parametrize("setting", MISUSED)
def test_a_database_with_a_setting_that_changes_the_ledger_is_refused(
    client, primary, sql, setting
):
    sql(f"ALTER DATABASE ledger SET {setting}")
    try:
        refused = manage(primary.url, "verify_ledger")
        with connected_to(primary.url):
            ready = client.get("/readyz")
    finally:
        sql("ALTER DATABASE ledger RESET ALL")

    reason = MISUSED[setting]
    assert (refused.returncode, refused.stderr) == (2, f"The database can't be used: {reason}\n")
    assert_problem(ready, 503, "temporarily_unavailable", detail=reason)


def test_a_server_that_is_too_old_is_refused():
    another = connection.copy()
    another.features.minimum_database_version = (99,)

    with pytest.raises(UnusableDatabase, match=r"is PostgreSQL .*; it must be 99 or newer\.$"):
        another.ensure_connection()

    assert another.connection is None


# ── One of several ───────────────────────────────────────────────────────────────────────────────


def test_of_several_servers_the_writable_one_is_used(primary, standby):
    assert port_of(urls(standby, primary)) == int(primary.port)
    assert port_of(urls(primary, standby)) == int(primary.port)


def test_an_unreachable_server_is_skipped(primary):
    place = conninfo_to_dict(primary.url)
    for_psycopg = (
        f"postgresql+psycopg://{place['user']}:{place['password']}"
        f"@127.0.0.1:{free_port()},127.0.0.1:{place['port']}/ledger"
    )

    assert port_of(for_psycopg) == int(primary.port)


def test_a_standby_is_refused_if_the_url_asks_for_a_writable_server(standby):
    with pytest.raises(OperationalError, match="read-only"):
        port_of(urls(standby))


def test_the_options_of_a_url_do_not_remove_the_timeouts(primary):
    database = database_of(
        f"{primary.url}?options=-c%20work_mem%3D8MB%20-c%20lock_timeout%3D1s",
        settings.BASE_DIR,
        is_command=False,
    )
    wrapper = ConnectionHandler({"default": database})["default"]
    names = ["work_mem", "lock_timeout", "statement_timeout"]
    names.append("idle_in_transaction_session_timeout")

    with closing(wrapper), wrapper.cursor() as cursor:
        cursor.execute(
            "SELECT setting FROM pg_settings WHERE name = ANY(%s) ORDER BY name", [names]
        )
        found = [setting for (setting,) in cursor.fetchall()]

    assert found == ["10000", "1000", "8000", "8192"]


def test_a_command_has_no_timeouts_whatever_the_role_has(primary, sql):
    sql("ALTER ROLE ledger SET statement_timeout = '8s'; ALTER ROLE ledger SET lock_timeout = '3s'")
    try:
        script = (
            "from django.db import connection; cursor = connection.cursor();"
            " cursor.execute(\"SELECT current_setting('statement_timeout'),"
            " current_setting('lock_timeout'),"
            " current_setting('idle_in_transaction_session_timeout')\");"
            " raise SystemExit(str(cursor.fetchone()))"
        )
        found = manage(primary.url, "shell", "--command", script)
    finally:
        sql("ALTER ROLE ledger RESET ALL")

    assert found.stderr == "('0', '0', '0')\n"
