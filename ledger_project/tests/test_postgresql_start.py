"""Starting with a PostgreSQL URL that can never work, and with an unavailable server."""

import json
import socket
from contextlib import closing

import pytest

from ledger_project.__main__ import OWNER
from ledger_project.tests.live import HOST, FreshServer, LiveClient, LiveServer, database_url
from ledger_project.tests.test_start import refused, run_and_stop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("service=nosuch", 'definition of service "nosuch" not found'),
        ("keepalives=abc", 'invalid integer value "abc" for connection option "keepalives"'),
        ("gssencmode=odd", 'invalid gssencmode value: "odd"'),
        ("sslmode=require", "server does not support SSL, but SSL was required"),
        ("options=nonsense", "invalid command-line argument for server process: nonsense"),
        ("options=-c%20wrk_mem%3D8MB", 'unrecognized configuration parameter "wrk_mem"'),
        ("options=-c%20work_mem%3Dx", 'invalid value for parameter "work_mem": "x"'),
        ("dbname=nosuch", 'database "nosuch" does not exist'),
    ],
)
def test_a_url_that_can_never_work_is_reported_in_one_line(options, reason):
    said = refused(LiveServer(LEDGER_DATABASE_URL=f"{database_url()}?{options}"))

    assert said == f"Mini Ledger can't start: LEDGER_DATABASE_URL: {reason}"


def test_the_service_starts_while_the_database_is_unavailable():
    with closing(socket.socket()) as unused:
        unused.bind((HOST, 0))
        port = unused.getsockname()[1]
        server = FreshServer(LEDGER_DATABASE_URL=f"postgresql://user@{HOST}:{port}/ledger")
        server.start()
        try:
            with LiveClient(server.port) as client:
                statuses = [client.get(path).status for path in ("/healthz", "/readyz")]
        finally:
            server.stop()

    assert statuses == [200, 503]


@pytest.mark.parametrize(("https", "warnings"), [("true", [OWNER]), ("false", [])])
def test_with_https_the_role_that_owns_the_tables_is_logged(tmp_path, https, warnings):
    (tmp_path / "home").mkdir()

    _, lines = run_and_stop(tmp_path / "home", "WARNING", LEDGER_HTTPS=https)

    assert [json.loads(line)["event"] for line in lines] == warnings
