"""A ledger that was copied by logical replication can be used after `migrate`."""

import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from database.postgresql.sequences import raise_sequences
from ledger_project.tests.postgresql_servers import connected_to, manage, superuser, url_of
from tools.with_postgres import Server

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = {"username": "ann", "password": "a password"}
NOT_COPIED = "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'"


class Logical(Server):
    """A server whose databases can be copied by logical replication."""

    def __init__(self) -> None:
        super().__init__(fsync="off", wal_level="logical")

    def copy(self) -> str:
        """Copy the ledger to another database of the server, and return its URL."""
        place = conninfo_to_dict(superuser(self.url, "ledger"))
        owner = url_of(self.url, "ledger"), url_of(self.url, "copy")
        with psycopg.connect(superuser(self.url), autocommit=True) as session:
            session.execute("CREATE DATABASE copy OWNER ledger TEMPLATE template0")
        self._run("pg_dump", "--schema-only", "--file", "schema.sql", owner[0])
        self._run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "schema.sql", owner[1])
        with psycopg.connect(superuser(self.url, "ledger"), autocommit=True) as source:
            source.execute("CREATE PUBLICATION everything FOR ALL TABLES")
            source.execute("SELECT pg_create_logical_replication_slot('copy', 'pgoutput')")
        with psycopg.connect(superuser(self.url, "copy"), autocommit=True) as target:
            address = " ".join(f"{name}={value}" for name, value in place.items())
            target.execute(
                f"CREATE SUBSCRIPTION copy CONNECTION '{address}' PUBLICATION everything"
                " WITH (create_slot = false, slot_name = 'copy')"
            )
            deadline = time.monotonic() + 120
            while target.execute(NOT_COPIED).fetchone() != (0,):
                assert time.monotonic() < deadline, "the rows don't arrive"
                time.sleep(0.05)
            target.execute("ALTER SUBSCRIPTION copy DISABLE")
            target.execute("ALTER SUBSCRIPTION copy SET (slot_name = NONE)")
            target.execute("DROP SUBSCRIPTION copy")
        return owner[1]


@pytest.fixture
def server() -> Iterator[Logical]:
    with closing(Logical()) as server:
        assert manage(server.url, "migrate").returncode == 0
        yield server


def test_a_copy_by_logical_replication_works_after_migrate(client_for, server):
    client = client_for(None)
    with connected_to(server.url):
        api = client_for(User.objects.create_user(LOGIN["username"], password=LOGIN["password"]))
        account = api.post("/accounts", {"owner_name": "Ann"}).json()["id"]
        api.post(f"/accounts/{account}/deposit", {"amount": 5})
        before = [client.post("/auth/token", LOGIN).status_code for _ in range(3)]
    copy = server.copy()
    with connected_to(copy):
        broken = client.post("/auth/token", LOGIN).status_code
    migrated, again = manage(copy, "migrate"), manage(copy, "migrate")
    with connected_to(copy):
        healed = [client.post("/auth/token", LOGIN).status_code for _ in range(3)]
        User.objects.create_user("somebody new")
        deposited = api.post(f"/accounts/{account}/deposit", {"amount": 7})
    audited = manage(copy, "verify_ledger")

    assert (before, broken, healed) == ([200] * 3, 500, [200] * 3)
    assert (deposited.status_code, deposited.json()["balance"]) == (200, 12)
    assert migrated.returncode == 0, migrated.stderr
    for table in ("auth_user", "django_migrations", "token_blacklist_outstandingtoken"):
        assert f"Advanced the sequence of {table}, which was behind its ids.\n" in migrated.stdout
    assert "raised" not in again.stdout
    assert audited.returncode == 0, audited.stdout


def test_a_sequence_is_never_set_back():
    names = [Group.objects.create(name=name).pk for name in ("one", "two", "three")]
    Group.objects.all().delete()

    raised = raise_sequences(connection)

    assert raised == []
    assert Group.objects.create(name="four").pk > max(names)


def test_migrate_plan_advances_no_sequence():
    group = Group.objects.create(name="one")
    with connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE auth_group_id_seq RESTART")

    looked = [manage(_url(), "migrate", option).returncode for option in ("--plan", "--check")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_called FROM auth_group_id_seq")
        [called] = cursor.fetchone()

    assert (looked, called) == ([0, 0], False)
    assert raise_sequences(connection) == ["auth_group"]
    assert Group.objects.create(name="two").pk > group.pk


def _url() -> str:
    place = connection.settings_dict
    user = f"{place['USER']}:{place['PASSWORD']}"
    return f"postgresql://{user}@{place['HOST']}:{place['PORT']}/{place['NAME']}"
