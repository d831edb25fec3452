"""A guard altered in any way on PostgreSQL is reported, and ``migrate`` reinstalls it."""

import pytest
from django.db import connection

from transfers.guards import guards
from transfers.tests.test_guards import EMPTY, alter, assert_reported_and_healed

pytestmark = pytest.mark.django_db


def recreated(name: str, old: str, new: str) -> str:
    """Return the statement that creates a guard's trigger, with one change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = %s", [name])
        [(definition,)] = cursor.fetchall()
    assert old in definition
    return definition.replace(old, new)


def replace_trigger(name: str, old: str, new: str) -> None:
    """Recreate a trigger with one change, and with its original comment."""
    changed = recreated(name, old, new)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass, obj_description(oid, 'pg_trigger') FROM pg_trigger"
            " WHERE tgname = %s",
            [name],
        )
        [(table, comment)] = cursor.fetchall()
    alter(
        f"DROP TRIGGER {name} ON {table}",
        changed,
        f"COMMENT ON TRIGGER {name} ON {table} IS '{comment}'",
    )


ALTERATIONS = {
    "a trigger that was switched off": (
        "entry_chain",
        lambda: alter("ALTER TABLE transfers_ledgerentry DISABLE TRIGGER entry_chain"),
    ),
    "a trigger for replicas only": (
        "transfer_legs",
        lambda: alter("ALTER TABLE transfers_transfer ENABLE REPLICA TRIGGER transfer_legs"),
    ),
    "a trigger whose condition is never true": (
        "account_identity",
        lambda: replace_trigger("account_identity", "WHEN (", "WHEN (false AND "),
    ),
    "a trigger for fewer events": (
        "entry_append_only",
        lambda: replace_trigger("entry_append_only", "DELETE OR UPDATE ON", "DELETE ON"),
    ),
    "a trigger for fewer columns": (
        "account_agrees",
        lambda: replace_trigger("account_agrees", "balance, held, ", "balance, "),
    ),
    "a function that does nothing": (
        "entry_transfer",
        lambda: alter(
            "CREATE OR REPLACE FUNCTION entry_transfer() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = pg_catalog, pg_temp {EMPTY}"
        ),
    ),
    "a function with an unsafe search path": (
        "transfer_kind",
        lambda: alter("ALTER FUNCTION transfer_kind() RESET search_path"),
    ),
    "a function of the same name in another schema": (
        "account_kept",
        lambda: [
            alter(
                "CREATE SCHEMA intruder",
                f"CREATE FUNCTION intruder.account_kept() RETURNS trigger LANGUAGE plpgsql {EMPTY}",
            ),
            replace_trigger(
                "account_kept",
                "EXECUTE FUNCTION account_kept",
                "EXECUTE FUNCTION intruder.account_kept",
            ),
        ],
    ),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_guard_is_reported_and_reinstalled_by_migrate(name):
    guard, change = ALTERATIONS[name]
    change()

    assert_reported_and_healed(guard)


@pytest.mark.parametrize("name", guards.names(connection))
def test_a_guard_is_intact_after_a_dump_and_restore(name):
    # A dump contains PostgreSQL's own wording of a trigger, which may change when it is restored.
    replace_trigger(name, "CREATE", "CREATE")

    assert guards.missing(connection) == []


def test_a_guard_is_intact_with_any_search_path():
    alter("SET search_path = pg_catalog, public, pg_temp")

    assert guards.missing(connection) == []
