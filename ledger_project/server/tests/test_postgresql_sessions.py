"""Each thread of the service keeps one PostgreSQL session, and there are no others."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from ledger_project.server.front import EXPORT_THREADS
from ledger_project.tests.live import LiveClient, live_server

pytestmark = pytest.mark.django_db(transaction=True)

SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
"""


def sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS)
        return cursor.fetchone()[0]


def test_bursts_of_requests_open_at_most_one_session_per_thread(alice, funded_account):
    statement = f"/accounts/{funded_account(alice).pk}/statement"
    before = sessions()
    with live_server("--workers", "2", "--threads", "3") as server:

        def ask(number: int) -> int:
            with LiveClient(server.port, alice) as client:
                client.headers["Accept"] = ("application/json", "text/csv")[number % 2]
                return client.get(statement).status

        found = []
        for _ in range(3):
            with ThreadPoolExecutor(30) as clients:
                statuses = list(clients.map(ask, range(60)))
            # On a slow machine some requests are refused.
            assert set(statuses) <= {200, 503}
            found.append(sessions() - before)

    assert max(found) <= 2 * (3 + EXPORT_THREADS)
    assert found == sorted(found)
