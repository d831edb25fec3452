"""The audit compares the event log with the transfers and accounts that it tells of."""

from uuid import uuid4

import pytest
from django.db import connection

from accounts import services as account_services
from accounts.models import Account, AccountChange
from audit.ledger import check_ledger
from events.guards import guards
from events.models import Event
from transfers.models import Transfer
from transfers.tests.orders import hold_order, transfer_order
from transfers.tests.rich_ledger import make_rich_ledger

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(funded_account, alice, staff):
    return make_rich_ledger(funded_account, alice, staff)


def failed():
    """Return the failed checks, without those of the schema."""
    return {
        check.name: [finding.subject for finding in check.examples]
        for check in check_ledger().checks
        if not check.ok and not check.name.startswith("schema_")
    }


def without(*names):
    """Drop triggers until the test is rolled back."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A table can't be altered while deferred triggers are pending.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    guards.drop(connection, *names)


def events_of(transfer):
    return Event.objects.filter(transfer=transfer)


def editable():
    without(*(name for name in guards.names(connection) if name.startswith("event_")))


def test_a_ledger_with_all_kinds_of_events_passes(book, staff):
    account_services.freeze(account_id=book.third.pk, actor=staff)
    account_services.set_overdraft_limit(account_id=book.payee.pk, actor=staff, limit=5)

    assert failed() == {}


def test_a_transfer_whose_event_was_not_written_is_found(book, alice):
    without("transfer_events")
    paid = transfer_order(book.payer, book.payee, 1, actor=alice)
    held = hold_order(book.payer, book.payee, 1, actor=alice)

    assert failed() == {"event_of_every_transfer": sorted([str(paid.pk), str(held.pk)])}


def test_an_account_and_changes_whose_events_were_not_written_are_found(book, alice, staff):
    without("account_opened_event", "account_events")
    new = Account.objects.create(owner=alice, owner_name="new", currency="USD")
    account_services.freeze(account_id=book.third.pk, actor=staff)

    assert failed() == {"event_of_every_account_change": sorted([str(book.third.pk), str(new.pk)])}
    assert AccountChange.objects.filter(action="FREEZE").count() == 1


def test_a_lost_event_is_found(book):
    editable()
    events_of(book.capture).filter(type="hold.captured").delete()

    assert failed() == {"event_of_every_transfer": [str(book.capture.pk)]}


def test_an_event_that_was_written_twice_is_found(book):
    editable()
    event = events_of(book.deposit).get()
    event.pk, event.uuid = None, uuid4()
    event.save(force_insert=True)

    assert failed() == {"event_of_every_transfer": [str(book.deposit.pk)]}


def test_an_event_of_a_transfer_that_does_not_exist_is_found(book):
    editable()
    missing = Transfer(id="00000000-0000-7000-8000-000000000001")
    event = events_of(book.deposit).get()
    event.pk, event.uuid, event.transfer_id = None, uuid4(), missing.pk
    event.save(force_insert=True)

    assert failed() == {"event_fits_its_transfer": [str(missing.pk)]}


@pytest.mark.parametrize(
    "change",
    [
        lambda book: {"account": book.third},
        lambda book: {"other_account": book.third},
        lambda book: {"other_account": None},
        lambda book: {"created_at": book.deposit.created_at},
    ],
    ids=["account", "other account", "no other account", "time"],
)
def test_an_event_that_does_not_fit_its_transfer_is_found(book, change):
    editable()
    events_of(book.transfer).update(**change(book))

    assert failed() == {"event_fits_its_transfer": [str(book.transfer.pk)]}


@pytest.mark.parametrize("type", ["account.frozen", "account.closed", "account.limit_changed"])
def test_an_event_of_a_change_that_never_happened_is_found(book, type):
    editable()
    event = Event.objects.get(account=book.third, type="account.opened")
    event.pk, event.uuid, event.type = None, uuid4(), type
    event.save(force_insert=True)

    assert failed() == {"event_of_every_account_change": [str(book.third.pk)]}


@pytest.mark.parametrize("type", ["account.opened", "account.updated"])
def test_an_event_of_an_account_that_does_not_exist_is_found(book, type):
    editable()
    event = Event.objects.get(account=book.third, type="account.opened")
    event.pk, event.uuid, event.type, event.account_id = None, uuid4(), type, uuid4()
    event.save(force_insert=True)

    assert failed() == {"event_of_every_account_change": [str(event.account_id)]}


def test_two_events_with_one_id_are_found(book):
    editable()
    [first, second] = Event.objects.filter(type="account.opened").order_by("pk")[:2]
    Event.objects.filter(pk=second.pk).update(uuid=first.uuid)

    assert failed() == {"event_has_its_own_id": [str(first.uuid)]}
