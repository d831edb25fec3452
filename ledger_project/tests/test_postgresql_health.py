"""A connection's health is determined from its socket, without a query."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import close_old_connections, connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pid() -> Iterator[int]:
    """The backend's process id for the tests' connection, which is reopened afterwards."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        yield cursor.fetchone()[0]
    connection.close()


def end(pid: int) -> None:
    """Terminate a backend from another connection, and wait until it has ended."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)


def test_a_connection_between_two_statements_is_usable(pid):
    assert connection.is_usable()
    assert connection.is_usable()


def test_a_connection_that_the_server_closed_is_not_usable(pid):
    end(pid)

    assert not connection.is_usable()


def test_a_connection_that_was_closed_here_is_not_usable(pid):
    connection.connection.close()

    assert not connection.is_usable()


def test_a_request_gets_a_new_connection_after_the_server_closed_one(
    api, alice, funded_account, pid
):
    account = funded_account(alice, balance=5)
    end(pid)
    close_old_connections()  # As the server does when a request begins.

    response = api.get(f"/accounts/{account.pk}")

    assert (response.status_code, response.json()["balance"]) == (200, 5)
