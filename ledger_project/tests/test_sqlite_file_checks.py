"""SQLite's file must be UTF-8, created by `migrate` and writable."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.db import connection

from api.tests.contract import assert_problem
from ledger_project.tests.sqlite_files import NOT_THERE, connected_to, copy_to, manage

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """If the tests run as root, who may write everywhere, switch to nobody in the block."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_file_is_not_ready(client):
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        path = folder / "ledger.db"
        copy_to(path)
        with connected_to(path):
            before = client.get("/readyz")
        path.chmod(0o444)
        folder.chmod(0o777)
        with as_somebody_else(), connected_to(path):
            writes, reads = client.get("/readyz"), client.get("/readyz?for=reads")
    finally:
        shutil.rmtree(folder)

    detail = "The database's file can't be written to: attempt to write a readonly database."
    assert before.status_code == 200
    assert_problem(writes, 503, "temporarily_unavailable", detail=detail)
    assert reads.status_code == 200


def test_a_file_with_a_writer_is_ready(client, tmp_path):
    path = tmp_path / "ledger.db"
    copy_to(path)
    with connected_to(path), closing(sqlite3.connect(path, isolation_level=None)) as writer:
        connection.ensure_connection()
        writer.execute("BEGIN IMMEDIATE")

        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_a_file_of_another_encoding_is_refused_in_one_line(client, tmp_path, encoding):
    path = tmp_path / "encoded.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute(f"PRAGMA encoding = '{encoding}'")
        made.execute("CREATE TABLE made (it INTEGER)")

    migrated = manage(path, "migrate")
    with connected_to(path):
        ready = client.get("/readyz")

    reason = f"The database's encoding is {encoding}; it must be UTF-8."
    assert migrated == (2, f"The database can't be used: {reason}\n")
    assert_problem(ready, 503, "temporarily_unavailable", detail=reason)


def test_only_migrate_creates_a_file(tmp_path):
    path = tmp_path / "new.db"

    before = manage(path, "verify_ledger")
    made = path.exists()
    migrated = manage(path, "migrate", "--verbosity", "0")
    after = manage(path, "verify_ledger")

    assert (before, made) == ((2, f"The database can't be used: {NOT_THERE}\n"), False)
    assert (migrated, after) == ((0, ""), (0, ""))
