"""The guards are installed, missing ones are reported, and ``migrate`` reinstalls them."""

import pytest
from django.core.checks import Error
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from database.guards import installation
from transfers.guards import guards

pytestmark = pytest.mark.django_db


EMPTY = "AS 'BEGIN RETURN NULL; END'"


def check() -> list[Error]:
    """Return the errors of the system check."""
    return installation.check("transfers", guards, databases=["default"])


def alter(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def assert_reported_and_healed(name: str) -> None:
    """Assert that the system check reports this guard alone, and that ``migrate`` reinstalls it."""
    [error] = check()
    call_command("migrate", verbosity=0)

    assert error.id == "transfers.E001"
    assert f"The guard {name} is missing" in error.msg
    assert guards.missing(connection) == []


def test_a_migrated_database_has_every_guard():
    assert guards.names(connection) != []
    assert guards.missing(connection) == []
    assert check() == []


@pytest.mark.parametrize("name", guards.names(connection))
def test_a_missing_guard_is_reported_and_reinstalled_by_migrate(name):
    guards.drop(connection, name)

    assert_reported_and_healed(name)


def test_a_guard_with_an_emptied_body_is_reported_and_reinstalled():
    name = "account_kept"
    if connection.vendor == "postgresql":
        alter(f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {EMPTY}")
    else:
        guards.drop(connection, name)
        alter(f"CREATE TRIGGER {name} BEFORE DELETE ON accounts_account BEGIN SELECT 1; END")

    assert_reported_and_healed(name)


def test_a_trigger_with_the_name_of_a_guard_on_another_table_does_not_count():
    guards.drop(connection, "account_kept")
    if connection.vendor == "postgresql":
        alter(
            "CREATE TRIGGER account_kept BEFORE DELETE ON auth_group"
            " FOR EACH STATEMENT EXECUTE FUNCTION account_kept()"
        )
    else:
        [sql] = (guards.folder / "sqlite").glob("account_kept.sql")
        alter(sql.read_text().replace("accounts_account", "auth_group"))

    assert_reported_and_healed("account_kept")


def test_installing_intact_guards_changes_nothing():
    with CaptureQueriesContext(connection) as captured:
        assert guards.install(connection) == []

    verbs = {query["sql"].split()[0] for query in captured.captured_queries}
    assert verbs <= {"SELECT", "SHOW", "SET", "SAVEPOINT", "RELEASE"}


def test_a_database_without_tables_is_not_checked():
    assert installation.check("transfers", guards) == []
