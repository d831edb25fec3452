"""A log that was restored into a server with lower transaction ids continues in order."""

import pytest
from django.core.management import call_command
from django.db import connection

from conftest import LedgerClient
from events.guards import guards
from events.models import Event, TransactionOffset
from events.order import is_behind
from ledger_project.server.tests.sockets import wait_until
from transfers.services import deposit

pytestmark = pytest.mark.django_db(transaction=True)

# By how much the ids of the other server were ahead.
AHEAD = 10**9


def restored_from_a_server_whose_ids_are_ahead():
    guards.drop(connection, "event_append_only")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events_event SET transaction = transaction + %s", [AHEAD])


def test_after_migrate_new_events_come_after_the_restored_ones(alice, funded_account, client):
    account = funded_account(alice, 5)
    api = LedgerClient(alice)
    restored_from_a_server_whose_ids_are_ahead()
    restored = list(Event.objects.in_order())

    before = client.get("/readyz")
    call_command("migrate", verbosity=0)
    after = client.get("/readyz")

    assert (before.status_code, after.status_code) == (503, 200)
    assert "The event log comes from another server" in before.json()["detail"]
    # Autovacuum, for example, can delay them.
    wait_until(lambda: len(api.get("/events").json()["items"]) >= len(restored))
    page = api.get("/events").json()
    assert [item["id"] for item in page["items"]] == [str(each.uuid) for each in restored]
    new = deposit(account_id=account.pk, amount=1, actor=alice)
    assert list(Event.objects.in_order())[-1].transfer_id == new.pk
    query = {"after": page["next_cursor"]}
    wait_until(lambda: api.get("/events", query).json()["items"] != [])
    news = api.get("/events", query).json()
    assert [item["data"]["id"] for item in news["items"]] == [str(new.pk)]


def test_migrate_changes_nothing_if_the_order_continues(alice, funded_account):
    funded_account(alice, 5)

    call_command("migrate", verbosity=0)

    assert not is_behind(connection)
    assert TransactionOffset.objects.count() == 0


def test_migrate_on_the_restored_log_twice_adds_one_offset(alice, funded_account):
    funded_account(alice, 5)
    restored_from_a_server_whose_ids_are_ahead()

    for _ in range(2):
        call_command("migrate", verbosity=0)

    assert TransactionOffset.objects.count() == 1
