"""The application's own role can't write events, except by what they tell of."""

import pytest
from django.db import DatabaseError, connection, transaction

from events.models import Event
from transfers import services
from transfers.tests.conftest import handwritten
from transfers.tests.test_postgresql_guards_committed import NOT_ALLOWED, as_application

__all__ = ["as_application", "handwritten"]

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = "uuid, transaction, type, transfer_id, account_id, other_account_id, created_at"
FORGERIES = {
    "inserting an event": (
        f"INSERT INTO events_event ({COLUMNS}) SELECT {COLUMNS} FROM events_event"
    ),
    "updating an event": "UPDATE events_event SET transaction = 5",
    "deleting an event": "DELETE FROM events_event",
    "truncating the log": "TRUNCATE events_event",
    "moving the order": "INSERT INTO events_transactionoffset (added) VALUES (1000)",
    "calling the trigger's function": "SELECT transfer_events()",
    "using the trigger's function for a table of one's own": (
        "CREATE TEMPORARY TABLE forged (LIKE transfers_transfer);"
        " CREATE TRIGGER forge AFTER INSERT ON forged REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION transfer_events()"
    ),
}


def test_the_application_can_post_but_not_forge_events(handwritten, as_application, alice):
    posted = services.deposit(account_id=handwritten.alice.pk, amount=1, actor=alice)
    assert Event.objects.filter(transfer=posted).count() == 1
    before = list(Event.objects.values())

    for name, forgery in FORGERIES.items():
        with (
            pytest.raises(DatabaseError) as refusal,
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(forgery)
        assert refusal.value.__cause__.sqlstate in (NOT_ALLOWED, "0A000"), name

    assert list(Event.objects.values()) == before
