"""The log can't be changed, and its triggers are checked and reinstalled like the guards."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from audit.protection import GUARDS, schema_results
from database.guards import installation
from events.guards import guards
from events.models import Event
from ledger_project.tests.replacing import plain_session, replace

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", guards.names(connection))
def test_a_missing_trigger_is_reported_and_reinstalled_by_migrate(name):
    guards.drop(connection, name)

    [error] = installation.check("events", guards, databases=["default"])
    [found] = [result for result in schema_results(connection) if result.name == GUARDS]
    call_command("migrate", verbosity=0)

    assert error.id == "events.E001"
    assert f"The guard {name} is missing" in error.msg
    assert [finding.subject for finding in found.examples] == [name]
    assert guards.missing(connection) == []


CHANGES = {
    "updating an event": 'UPDATE events_event SET "transaction" = 5',
    "deleting an event": "DELETE FROM events_event",
}
if connection.vendor == "sqlite":
    CHANGES["replacing an event"] = replace(Event, "transfer_id IS NOT NULL", uuid="transfer_id")


@pytest.mark.parametrize("name", CHANGES)
def test_history_cannot_be_changed(source, name):
    before = list(Event.objects.values())

    with plain_session(), pytest.raises(IntegrityError), transaction.atomic():
        execute(CHANGES[name])

    assert list(Event.objects.values()) == before


@pytest.mark.parametrize("name", CHANGES)
def test_history_could_be_changed_without_the_guards(source, name):
    guards.drop(connection, *(each for each in guards.names(connection) if "event_" in each))

    with plain_session():
        execute(CHANGES[name])


INCONSISTENT = {
    "an unknown type": ("event_type_known", "type = 'money.lost'"),
    "a transfer in an event of an account": (
        "event_has_a_transfer_or_a_snapshot",
        "type = 'account.opened'",
    ),
    "neither a transfer nor a snapshot": (
        "event_has_a_transfer_or_a_snapshot",
        "transfer_id = NULL",
    ),
    "a time outside the calendar": (
        "event_created_at_within_calendar",
        "created_at = 'infinity'" if connection.vendor == "postgresql" else "created_at = ''",
    ),
}


@pytest.mark.parametrize("name", INCONSISTENT)
def test_an_inconsistent_event_is_refused(source, name):
    guards.drop(connection, *(each for each in guards.names(connection) if "event_" in each))
    constraint, change = INCONSISTENT[name]

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        execute(f"UPDATE events_event SET {change} WHERE transfer_id IS NOT NULL")


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
