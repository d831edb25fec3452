"""manage.py migrate: several processes at once, earlier versions, and unreachable databases."""

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import get_commands
from django.db import connection

from ledger_project.earlier_versions import APPS
from ledger_project.management.commands.migrate import migrating_alone

MANAGE = Path(settings.BASE_DIR, "manage.py")


@contextmanager
def new_database(directory: Path) -> Iterator[str]:
    """Yield the URL of another database of the same kind, without tables."""
    if connection.vendor == "sqlite":
        (directory / "empty.db").touch()
        yield f"sqlite:///{directory}/empty.db"
        return
    url = urlsplit(settings.DATABASE_URL)._replace(scheme="postgresql")
    name = f"empty_{uuid.uuid4().hex}"
    with psycopg.connect(url.geturl(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield url._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def empty_database(tmp_path) -> Iterator[str]:
    with new_database(tmp_path) as url:
        yield url


def start(url: str, *command: str, cwd: Path | None = None) -> subprocess.Popen:
    """Start manage.py with the production settings on the database of ``url``."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ledger_project.settings",
        "LEDGER_DATABASE_URL": url,
    }
    return subprocess.Popen(
        [sys.executable, str(MANAGE), *command],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_processes_migrate_one_empty_database_at_once(empty_database):
    rivals = [start(empty_database, "migrate") for _ in range(2)]

    printed = [rival.communicate()[0] for rival in rivals]

    assert [rival.returncode for rival in rivals] == [0, 0], printed
    assert sorted("No migrations to apply" in text for text in printed) == [False, True]
    check = start(empty_database, "migrate", "--check")
    assert (check.communicate()[0], check.returncode) == ("", 0)


def test_migrate_installs_a_missing_guard_again(empty_database):
    drop_one = (
        "from django.db import connection; from transfers.guards import guards;"
        " guards.drop(connection, guards.names(connection)[0])"
    )
    commands = {
        "migrate": ("migrate", "--verbosity", "0"),
        "drop": ("shell", "--command", drop_one),
        "check": ("check", "--database", "default"),
    }

    def run(name: str) -> tuple[int, str]:
        process = start(empty_database, *commands[name])
        printed = process.communicate()[0]
        return process.returncode, printed

    run("migrate")
    run("drop")
    missed, migrated, found = run("check"), run("migrate"), run("check")

    assert (missed[0], "transfers.E001" in missed[1]) == (1, True), missed
    assert migrated == (0, "")
    assert found[0] == 0, found


MADE_EARLIER = (
    "The database can't be used: This database was created by an earlier, unreleased version of "
    "Mini Ledger: it lacks accounts_account.owner_name_folded, audit_verdict. "
    "Create a new one (for the demo: rm mini_ledger.db*).\n"
)


@pytest.fixture(scope="module")
def earlier_database(tmp_path_factory) -> Iterator[str]:
    """
    The URL of a database that lacks what a later version added.

    All tests of this module share it, because no command may change it.
    """
    alter = (
        "from django.db import connection;"
        " run = connection.cursor().execute;"
        " run('DROP INDEX account_by_name');"
        " run('ALTER TABLE accounts_account RENAME COLUMN owner_name_folded TO folded');"
        " run('DROP TABLE audit_verdict')"
    )
    with new_database(tmp_path_factory.mktemp("earlier")) as url:
        for command in (("migrate", "--verbosity", "0"), ("shell", "--command", alter)):
            prepared = start(url, *command)
            printed = prepared.communicate()[0]
            assert prepared.returncode == 0, printed
        yield url


@pytest.mark.parametrize("options", [(), ("--check",), ("--plan",), ("accounts", "zero")])
def test_migrate_refuses_a_database_of_an_earlier_version_in_one_line(earlier_database, options):
    process = start(earlier_database, "migrate", *options)

    assert (process.communicate()[0], process.returncode) == (MADE_EARLIER, 2)


@pytest.mark.one_database
def test_every_command_of_the_project_refuses_a_database_of_an_earlier_version(earlier_database):
    options = {
        "create_service_key": ["alice", "backend", "--scope", "accounts:read"],
        "seed_load": ["--entries", "6", "--accounts", "3"],
    }
    commands = [name for name, app in get_commands().items() if app.rpartition(".")[2] in APPS]

    responses = {}
    for name in commands:
        process = start(earlier_database, name, *options.get(name, []))
        responses[name] = (process.communicate()[0], process.returncode)

    assert sorted(responses) == [
        *("create_service_key", "deliver_webhooks", "expire_holds", "migrate"),
        "purge_idempotency_keys",
        *("seed_demo", "seed_load", "verify_ledger"),
    ]
    # A process that runs beside the server, so that its lines are JSON.
    printed, status = responses.pop("deliver_webhooks")
    assert (json.loads(printed)["event"] + "\n", status) == (MADE_EARLIER, 2)
    assert responses == dict.fromkeys(responses, (MADE_EARLIER, 2))


@pytest.mark.one_database
def test_a_command_shows_its_help_whatever_the_database_is(earlier_database):
    process = start(earlier_database, "verify_ledger", "--help")

    assert process.communicate()[0].startswith("usage: manage.py verify_ledger")
    assert process.returncode == 0


@pytest.mark.parametrize("command", ["migrate", "verify_ledger", "expire_holds"])
def test_an_unreachable_database_is_reported_without_a_traceback(empty_database, tmp_path, command):
    if connection.vendor == "sqlite":
        url, lines = f"sqlite:///{tmp_path}", 1  # A folder.
    else:
        lines = 2
        url = urlsplit(empty_database)._replace(netloc="ledger@127.0.0.1:1").geturl()

    process = start(url, command)
    printed = process.communicate()[0]

    assert process.returncode == 2, printed
    assert printed.count("\n") == lines
    assert printed.startswith("The database can't be used: ")


def test_an_unmigrated_database_is_reported_without_a_traceback(empty_database):
    process = start(empty_database, "verify_ledger")
    printed = process.communicate()[0]

    assert process.returncode == 2, printed
    assert "accounts_account" in printed
    assert "manage.py migrate" in printed


@pytest.mark.one_database
def test_a_database_in_memory_needs_no_lock_file(tmp_path):
    process = start("sqlite://:memory:", "migrate", "--verbosity", "0", cwd=tmp_path)

    assert (process.communicate()[0], process.returncode) == ("", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_second_migration_waits_for_the_first(db):
    entered = threading.Event()

    def come_second() -> None:
        with migrating_alone(connection_of_second):
            entered.set()

    connection_of_second = connection.copy()
    second = threading.Thread(target=come_second)
    with migrating_alone(connection):
        second.start()
        waited = not entered.wait(timeout=0.5)
    second.join(timeout=300)

    assert (waited, entered.is_set()) == (True, True)
