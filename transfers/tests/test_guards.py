"""The guards are there, come back when they are gone, and are missed when they aren't."""

import pytest
from django.core.management import call_command
from django.db import connection

from transfers import guards
from transfers.guards.installation import check_guards

pytestmark = pytest.mark.django_db


def test_a_migrated_database_has_every_guard():
    assert guards.names(connection) != []
    assert guards.missing(connection) == []
    assert check_guards(databases=["default"]) == []


@pytest.mark.parametrize("name", guards.names(connection))
def test_a_missing_guard_is_reported_and_migrate_brings_it_back(name):
    guards.drop(connection, name)

    [error] = check_guards(databases=["default"])
    call_command("migrate", verbosity=0)

    assert error.id == "transfers.E001"
    assert f"The guard {name} is missing" in error.msg
    assert guards.missing(connection) == []


def test_a_guard_whose_inside_was_taken_out_is_reported():
    name = guards.names(connection)[-1]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RETURN NULL; END'"
            )
        else:
            guards.drop(connection, name)
            cursor.execute(
                f"CREATE TRIGGER {name} BEFORE DELETE ON accounts_account BEGIN SELECT 1; END"
            )

    assert guards.missing(connection) == [name]


def test_installing_what_is_there_touches_nothing(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert guards.install(connection) == []


def test_a_database_without_tables_is_left_alone():
    assert check_guards(databases=None) == []
