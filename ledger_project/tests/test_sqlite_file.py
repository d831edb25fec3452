"""If SQLite's file is deleted, moved or replaced while the service runs, requests are 503."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import close_old_connections, connection, transaction

from api.tests.contract import assert_problem
from database.exceptions import UnusableDatabase
from ledger_project.tests.kill_victims import PASSWORD, USER, running
from ledger_project.tests.live import LiveClient
from ledger_project.tests.sqlite_files import NOT_THERE, connected_to, copy_to

pytestmark = pytest.mark.django_db(transaction=True)

GONE = "The database's file was deleted, moved or replaced."
NO_SQLITE = "The file is not a SQLite database."


@pytest.fixture
def account(alice, funded_account):
    return funded_account(alice, balance=100)


@pytest.fixture
def file(account, tmp_path) -> Iterator[Path]:
    """A copy of the current database, to which the test is connected."""
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "ledger.db"
    copy_to(path)
    with connected_to(path):
        connection.ensure_connection()
        yield path


def remove(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


def put_in_place(path: Path, content: bytes) -> None:
    remove(path)
    path.write_bytes(content)


BLOWS: dict[str, tuple[Callable[[Path], object], str]] = {
    "the file is deleted": (Path.unlink, NOT_THERE),
    "the file is deleted with its WAL": (remove, NOT_THERE),
    "its folder is moved": (lambda path: path.parent.rename(path.parent.parent / "x"), NOT_THERE),
    "its folder is deleted": (lambda path: shutil.rmtree(path.parent), NOT_THERE),
    "the file is renamed": (lambda path: path.rename(f"{path}.old"), NOT_THERE),
    "it is replaced by something else": (
        lambda path: put_in_place(path, b"something else" * 1000),
        NO_SQLITE,
    ),
}


@pytest.mark.parametrize("blow", BLOWS)
def test_a_request_after_the_file_was_deleted_or_replaced_is_503_and_creates_no_file(
    api, account, file, blow
):
    strike, reason = BLOWS[blow]
    before = api.post(f"/accounts/{account.pk}/deposit", {"amount": 5})
    strike(file)
    left = file.exists()
    responses = []
    for call in (
        lambda: api.post(f"/accounts/{account.pk}/deposit", {"amount": 5}),
        lambda: api.get(f"/accounts/{account.pk}"),
        lambda: api.get("/readyz"),
        lambda: api.get("/readyz?for=reads"),
        lambda: api.get("/healthz"),
    ):
        close_old_connections()  # As the server does when a request begins.
        responses.append(call())

    *rest, live = responses
    assert (before.status_code, live.status_code) == (200, 200)
    for response in rest:
        assert_problem(response, 503, "temporarily_unavailable", detail=response.json()["detail"])
    assert [response.json()["detail"] for response in rest[2:]] == [reason, reason]
    assert file.exists() == left


def overwrite_its_head(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"x" * 100)


@pytest.mark.parametrize(
    "damage",
    [overwrite_its_head, lambda path: os.truncate(path, 4096), lambda path: os.truncate(path, 100)],
    ids=["head overwritten", "one page left", "100 bytes left"],
)
@pytest.mark.parametrize("new_connection", [False, True])
def test_a_file_that_is_damaged_while_the_service_runs_is_503(
    api, account, file, damage, new_connection
):
    api.post(f"/accounts/{account.pk}/deposit", {"amount": 5})
    # A connection reads its cached pages again after another one has written.
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA user_version = 1")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(file)
    if new_connection:
        connection.close()

    responses = [
        api.post(f"/accounts/{account.pk}/deposit", {"amount": 5}),
        api.get(f"/accounts/{account.pk}"),
        api.get("/readyz"),
        api.post("/auth/token", {"username": "alice", "password": "a password"}),
    ]

    assert [response.status_code for response in responses] == [503] * 4
    assert {response.json()["code"] for response in responses} == {"temporarily_unavailable"}


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_commit_into_a_deleted_file_is_not_acknowledged(api, account, file, suffix):
    def rename_and_delete() -> None:
        with transaction.atomic(durable=True):
            account.save(update_fields=["owner_name"])
            Path(f"{file}{suffix}").unlink()

    with pytest.raises(UnusableDatabase, match=GONE):
        rename_and_delete()


def test_a_request_during_which_the_file_is_deleted_is_503(api, account, file):
    def delete_at_the_end(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith("INSERT") and "idempotency" in sql:
            file.unlink(missing_ok=True)
        return result

    with connection.execute_wrapper(delete_at_the_end):
        response = api.post(f"/accounts/{account.pk}/deposit", {"amount": 5})

    assert_problem(response, 503, "temporarily_unavailable", detail=response.json()["detail"])


def test_a_restored_file_is_used_without_a_restart(api, account, file, tmp_path):
    backup = tmp_path / "backup.db"
    copy_to(backup)
    api.post(f"/accounts/{account.pk}/deposit", {"amount": 5})
    remove(file)
    close_old_connections()
    away = api.get(f"/accounts/{account.pk}")
    backup.rename(file)
    close_old_connections()

    back = api.post(f"/accounts/{account.pk}/deposit", {"amount": 7})

    assert (away.status_code, back.status_code, back.json()["balance"]) == (503, 200, 107)
    assert api.get("/readyz").status_code == 200


def test_an_empty_file_is_not_treated_as_an_empty_ledger(api, account, file):
    put_in_place(file, b"")
    close_old_connections()

    write = api.post(f"/accounts/{account.pk}/deposit", {"amount": 5})
    ready = api.get("/readyz")

    assert write.status_code == 503
    assert_problem(
        ready,
        503,
        "temporarily_unavailable",
        detail="The database is not migrated. Run `manage.py migrate`.",
    )


def test_a_symbolic_link_is_followed_until_it_points_elsewhere(api, account, file, tmp_path):
    link, other = tmp_path / "link.db", tmp_path / "other.db"
    link.symlink_to(file)
    with connected_to(link):
        first = api.post(f"/accounts/{account.pk}/deposit", {"amount": 5})
        copy_to(other)
        link.unlink()
        link.symlink_to(other)
        second = api.post(f"/accounts/{account.pk}/deposit", {"amount": 5})
        close_old_connections()
        third = api.post(f"/accounts/{account.pk}/deposit", {"amount": 5})

    # The second group is dissolved, and its request is carried out with a new connection.
    assert [each.json()["balance"] for each in (first, second, third)] == [105, 110, 115]


def test_opening_and_closing_other_connections_has_no_effect(api, account, file):
    for _ in range(3):
        with closing(sqlite3.connect(file)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        close_old_connections()
        assert api.post(f"/accounts/{account.pk}/deposit", {"amount": 5}).status_code == 200
    assert connection.is_usable()


def test_the_live_service_is_503_while_its_file_is_missing_and_recovers(tmp_path):
    path, backup = tmp_path / "kill.db", tmp_path / "backup.db"
    with running("sqlite", tmp_path, seed=0) as service, LiveClient(service.server.port) as client:
        body = {"username": USER, "password": PASSWORD}
        client.headers["Authorization"] = (
            f"Bearer {client.post('/auth/token', body).json()['access']}"
        )
        account = client.post("/accounts", {"owner_name": "account"}).json()["id"]

        def deposits(amount: int) -> set[int]:
            # Over several connections, so that several threads and both workers respond.
            found = set()
            for _ in range(20):
                with LiveClient(service.server.port) as other:
                    other.headers |= client.headers
                    response = other.post(f"/accounts/{account}/deposit", {"amount": amount})
                    found.add(response.status)
            return found

        there = deposits(5)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as copy:
            source.backup(copy)
        remove(path)
        away = deposits(7)
        ready, live = client.get("/readyz"), client.get("/healthz")
        made = path.exists()
        backup.rename(path)
        back = deposits(1)
        balance = client.get(f"/accounts/{account}").json()["balance"]

    assert (there, away, back) == ({200}, {503}, {200})
    assert (ready.status, ready.json()["detail"], live.status) == (503, NOT_THERE, 200)
    assert not made
    assert balance == 20 * 5 + 20 * 1
