"""A worker has at most as many sessions of PostgreSQL as one that serves a single ledger."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ledger_project.ledgers.tests.conftest import A
from ledger_project.ledgers.tests.databases import write
from ledger_project.server.front import EXPORT_THREADS
from ledger_project.server.waiting import LOOKS_AT_A_TIME
from ledger_project.tests.live import LiveClient, LiveServer

pytestmark = pytest.mark.django_db

THREADS = 3
SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@pytest.fixture
def file(urls, tmp_path):
    """Five ledgers. They are one database under several search paths, so that it can count."""
    hosts = {
        f"l{number}.example": f"{urls[A]}?options=-csearch_path%3Dpublic,l{number}"
        for number in range(5)
    }
    write(tmp_path / "ledgers.toml", hosts)
    return tmp_path / "ledgers.toml"


def test_five_ledgers_open_no_more_sessions_than_the_bound(file, urls):
    server = LiveServer("--workers", "1", "--threads", str(THREADS), LEDGER_LEDGERS=str(file))

    def ask(number: int) -> int:
        with LiveClient(server.port) as client:
            client.headers["Host"] = f"l{number % 5}.example"
            return client.get("/readyz").status

    with psycopg.connect(urls[A], autocommit=True) as session:
        server.start()
        try:
            found = []
            for _ in range(4):
                with ThreadPoolExecutor(20) as clients:
                    # On a slow machine some requests are refused.
                    assert set(clients.map(ask, range(60))) <= {200, 503}
                found.append(session.execute(SESSIONS).fetchone()[0])
        finally:
            server.stop()

    assert 1 <= max(found) <= THREADS + EXPORT_THREADS + LOOKS_AT_A_TIME
