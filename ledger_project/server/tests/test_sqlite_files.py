"""Each thread of the service opens the SQLite file at most once."""

from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from django.db import connection

from ledger_project.server.front import EXPORT_THREADS
from ledger_project.tests.live import LiveClient, live_server

pytestmark = pytest.mark.django_db(transaction=True)


def test_bursts_of_requests_open_the_file_at_most_once_per_thread(alice, funded_account):
    statement = f"/accounts/{funded_account(alice).pk}/statement"
    name = connection.settings_dict["NAME"]
    with live_server("--workers", "2", "--threads", "3") as server:

        def ask(number: int) -> int:
            with LiveClient(server.port, alice) as client:
                client.headers["Accept"] = ("application/json", "text/csv")[number % 2]
                return client.get(statement).status

        for _ in range(3):
            with ThreadPoolExecutor(30) as clients:
                statuses = list(clients.map(ask, range(60)))
            # On a slow machine some requests are refused.
            assert set(statuses) <= {200, 503}
            opened = [
                [file.path for file in psutil.Process(worker).open_files()].count(str(name))
                for worker in server.workers()
            ]
            assert [count for count in opened if count > 3 + EXPORT_THREADS] == []
