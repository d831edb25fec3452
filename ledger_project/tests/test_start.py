"""How the service starts: its errors, its log messages, and what it loads."""

import json
import logging
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings

from ledger_project.__main__ import load
from ledger_project.openapi.views import _built
from ledger_project.server.tests.sockets import PATIENCE, wait_until
from ledger_project.tests.live import HOST, LiveServer

# What only PostgreSQL can report is in `test_postgresql_start.py`.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


def refused(server: LiveServer) -> str:
    """Start a server that exits with an error, and return the message in its only line."""
    done = subprocess.run(
        server.command(),
        cwd=settings.BASE_DIR,
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    return json.loads(line)["event"]


def test_a_port_in_use_is_reported_in_one_line():
    server = LiveServer()
    with socket.socket() as taken:
        taken.bind((HOST, server.port))
        taken.listen()
        said = refused(server)

    assert said == f"Mini Ledger can't listen on {HOST}:{server.port}: Address already in use"


def test_an_unusable_database_is_reported_in_one_line(tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("PRAGMA encoding = 'UTF-16le'")
        other.execute("CREATE TABLE rows (id)")
    url = f"sqlite:///{tmp_path}/other.db"

    said = refused(LiveServer(LEDGER_DATABASE_URL=url))

    assert said == (
        "Mini Ledger can't start: The database's encoding is UTF-16le; it must be UTF-8."
    )


def test_a_sqlite_file_that_is_a_directory_is_reported_in_one_line(tmp_path):
    said = refused(LiveServer(LEDGER_DATABASE_URL=f"sqlite:///{tmp_path}"))

    assert said == "Mini Ledger can't start: The database's file is a directory."


@pytest.mark.parametrize(
    ("folder", "reason"), [("file", "File exists"), ("file/metrics", "Not a directory")]
)
def test_a_folder_for_metrics_that_cannot_be_created_is_reported_in_one_line(
    tmp_path, folder, reason
):
    (tmp_path / "file").touch()
    path = f"{tmp_path}/{folder}"

    said = refused(LiveServer(PROMETHEUS_MULTIPROC_DIR=path))

    assert said == f"Mini Ledger can't start: PROMETHEUS_MULTIPROC_DIR {path!r}: {reason}"


def test_the_openapi_document_is_built_before_the_fork():
    _built.cache_clear()

    load()

    assert _built.cache_info().currsize == 1


def run_and_stop(folder: Path, level: str, **environment: str) -> tuple[LiveServer, list[str]]:
    """Run a server until it is ready, stop it, and return it with the lines that it logged."""
    homes = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "XDG_CONFIG_HOME": str(folder)}
    server = LiveServer(LEDGER_LOG_LEVEL=level, **homes, **environment)
    with (folder.parent / "stderr").open("wb") as server.stderr:
        try:
            server.start()
            wait_until(lambda: len(server.workers()) == 2)
        finally:
            server.stop()
    return server, (folder.parent / "stderr").read_text().splitlines()


def test_log_messages_of_the_server_are_json_and_include_its_address(tmp_path):
    (tmp_path / "home").mkdir()
    server, lines = run_and_stop(tmp_path / "home", "INFO")

    said = [json.loads(line) for line in lines]
    names = {"app", "event", "level", "logger", "timestamp"}
    assert [line for line in said if not names <= line.keys()] == []
    assert {"gunicorn.error", "uvicorn.error"} <= {line["logger"] for line in said}
    url = f"http://{HOST}:{server.port}"
    assert f"Listening at: {url} ({server.process.pid})" in [line["event"] for line in said]
    loud = [line for line in said if logging.getLevelNamesMapping()[line["level"].upper()] > 20]
    assert loud == []


def test_a_variable_that_names_no_setting_is_logged(tmp_path):
    (tmp_path / "home").mkdir()
    _, lines = run_and_stop(tmp_path / "home", "WARNING", LEDGER_SELF_SERVICE_CACH="false")

    assert [json.loads(line)["event"] for line in lines] == [
        "There is no setting LEDGER_SELF_SERVICE_CACH. Did you mean LEDGER_SELF_SERVICE_CASH?"
    ]


def test_the_server_writes_nothing_to_the_home_directory_and_can_be_silent(tmp_path):
    (tmp_path / "home").mkdir()
    _, lines = run_and_stop(tmp_path / "home", "CRITICAL")

    assert lines == []
    assert list((tmp_path / "home").iterdir()) == []
