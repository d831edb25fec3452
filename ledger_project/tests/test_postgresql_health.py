"""Whether a connection is still there is read from its socket, not asked of the server."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import close_old_connections, connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pid() -> Iterator[int]:
    """The process that serves the tests' connection, which is opened anew afterwards."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        yield cursor.fetchone()[0]
    connection.close()


def end(pid: int) -> None:
    """End a connection from another one, and wait until it is gone."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)


def test_a_connection_between_two_statements_is_usable(pid):
    assert connection.is_usable()
    assert connection.is_usable()


def test_a_connection_that_the_server_ended_is_not(pid):
    end(pid)

    assert not connection.is_usable()


def test_one_that_was_closed_here_is_not(pid):
    connection.connection.close()

    assert not connection.is_usable()


def test_a_request_after_the_end_of_its_connection_gets_another(api, alice, funded_account, pid):
    account = funded_account(alice, balance=5)
    end(pid)
    close_old_connections()  # As the server does when a request begins.

    answer = api.get(f"/accounts/{account.pk}")

    assert (answer.status_code, answer.json()["balance"]) == (200, 5)
