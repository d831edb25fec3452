"""Behind a pooler, the service needs sessions of the server that begin as it relies on."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from django.conf import settings
from django.db import connection
from django.db.utils import ConnectionHandler

from api.tests.contract import assert_problem
from database.tests.session_pooler import pooler
from ledger_project.database_url import REQUEST_TIMEOUTS, database_of
from ledger_project.tests.live import database_url

pytestmark = pytest.mark.django_db(transaction=True)

TIMEOUTS = {name: f"{value}ms" for name, value in REQUEST_TIMEOUTS.items()}


@pytest.fixture
def default() -> Iterator[Callable[..., None]]:
    """Return a function that sets defaults of the database for new sessions."""
    database = connection.ops.quote_name(connection.settings_dict["NAME"])

    def alter(**values: str) -> None:
        with connection.cursor() as cursor:
            for name, value in values.items():
                cursor.execute(f"ALTER DATABASE {database} SET {name} = '{value}'")
        connection.close()

    yield alter
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} RESET ALL")
    connection.close()


@pytest.fixture
def through_pooler(default) -> Iterator[Callable[[], None]]:
    """Return a function that makes the service connect through a pooler from then on."""
    server = connection.settings_dict["HOST"], int(connection.settings_dict["PORT"])

    def connect_to(port: int) -> None:
        connection.close()
        connection.settings_dict["PORT"] = str(port)

    with pooler(*server) as port:
        yield lambda: connect_to(port)
        connect_to(server[1])


def refusal(**missing: str) -> str:
    listed = " ".join(f"SET {name} = '{value}';" for name, value in missing.items())
    return (
        "Behind a pooler such as PgBouncer, the service can't set what it relies on."
        f" Set it on its role, with ALTER ROLE … {listed}"
    )


def test_without_timeouts_of_the_role_the_service_refuses_the_database(client, through_pooler):
    through_pooler()

    assert_problem(
        client.get("/readyz"), 503, "temporarily_unavailable", detail=refusal(**TIMEOUTS)
    )


@pytest.mark.parametrize(
    ("name", "harmful", "needed"),
    [
        ("array_nulls", "off", "on"),
        ("default_transaction_isolation", "repeatable read", "read committed"),
        ("quote_all_identifiers", "on", "off"),
        ("synchronous_commit", "off", "on"),
        ("client_min_messages", "error", "warning"),
    ],
)
def test_a_default_that_would_change_what_the_ledger_does_is_refused(
    client, default, through_pooler, name, harmful, needed
):
    default(**TIMEOUTS, **{name: harmful})
    through_pooler()

    assert_problem(
        client.get("/readyz"), 503, "temporarily_unavailable", detail=refusal(**{name: needed})
    )


def test_with_these_defaults_the_service_works_and_leaves_no_prepared_statements(
    api, alice, funded_account, default, through_pooler
):
    account = funded_account(alice)
    default(**TIMEOUTS)
    through_pooler()

    for _ in range(settings.DATABASE["OPTIONS"]["prepare_threshold"] + 3):
        assert api.post(f"/accounts/{account.pk}/deposit", {"amount": 5}).status_code == 200
    statement = api.get(f"/accounts/{account.pk}/statement").json()

    assert [line["amount"] for line in statement["items"]] == [5] * 5
    assert api.get("/readyz").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone() == (0,)


def test_a_command_needs_no_timeouts(default, through_pooler):
    through_pooler()
    database = database_of(database_url(), settings.BASE_DIR, is_command=True)
    wrapper = ConnectionHandler({"default": database})["default"]

    with closing(wrapper), wrapper.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
