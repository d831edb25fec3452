"""Every posting and every change of an account writes its events, in the same transaction."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction

from accounts import services as account_services
from accounts.models import Account
from accounts.tests.admin_pages import action_of, confirm
from events.models import Event
from transfers import services
from transfers.exceptions import InsufficientFunds
from transfers.models import Transfer
from transfers.services import Order
from transfers.tests.orders import expired_hold, hold_order, transfer_order

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


@pytest.fixture
def log(source, dest):
    """Return a function that returns the events since the accounts were funded, in order."""
    before = Event.objects.count()
    return lambda: list(Event.objects.in_order()[before:])


def types(events):
    return [event.type for event in events]


def test_each_kind_of_transfer_writes_its_events(alice, bob, source, dest, log):
    deposit = services.deposit(account_id=source.pk, amount=5, actor=alice)
    withdrawal = services.withdraw(account_id=source.pk, amount=5, actor=alice)
    paid = transfer_order(source, dest, 10, actor=alice)
    first, second = (hold_order(source, dest, 20, actor=alice) for _ in range(2))
    capture = services.capture(hold_id=first.pk, actor=bob, amount=15)
    void = services.void(hold_id=second.pk, actor=alice)
    reversal = services.reverse(transfer_id=paid.pk, actor=bob)

    def event(type, transfer, account=source, other=dest):
        return type, transfer.pk, account.pk, other and other.pk, transfer.created_at

    assert [
        (each.type, each.transfer_id, each.account_id, each.other_account_id, each.created_at)
        for each in log()
    ] == [
        event("transfer.posted", deposit, source, None),
        event("transfer.posted", withdrawal, source, None),
        event("transfer.posted", paid),
        event("hold.created", first),
        event("hold.created", second),
        event("transfer.posted", capture),
        event("hold.captured", capture),
        event("hold.voided", void),
        event("transfer.posted", reversal, dest, source),
    ]


def test_reversals_of_cash_concern_the_customers_account(alice, staff, source, log):
    for post in (services.deposit, services.withdraw):
        cash = post(account_id=source.pk, amount=5, actor=alice)
        services.reverse(transfer_id=cash.pk, actor=staff)

    assert [(each.account_id, each.other_account_id) for each in log()] == [(source.pk, None)] * 4


def test_a_release_by_the_ledger_is_an_expiry_and_comes_before_what_needed_it(
    alice, source, dest, log
):
    expired_hold(source, dest, 600, actor=alice)
    transfer_order(source, dest, 10_00, actor=alice)

    assert types(log()) == ["hold.created", "hold.expired", "transfer.posted"]


def test_the_command_that_releases_holds_writes_their_expiry(alice, source, dest, log):
    expired_hold(source, dest, 600, actor=alice)
    call_command("expire_holds", stdout=StringIO())

    assert types(log()) == ["hold.created", "hold.expired"]


def test_a_batch_writes_its_events_in_its_order(alice, source, dest, log):
    amounts = [3, 1, 2, 5, 4]
    orders = [Order(source_id=source.pk, dest_id=dest.pk, amount=amount) for amount in amounts]
    posted = services.post_batch(orders=orders, actor=alice)

    assert [each.transfer_id for each in log()] == [each.pk for each in posted]


def test_each_change_of_an_account_writes_an_event(alice, staff, log):
    account = account_services_open(alice)
    who = {"account_id": account.pk, "actor": staff}
    account_services.describe(**who, owner_name="Alice", metadata={"tier": "gold"})
    account_services.describe(**who, owner_name="Alice", metadata={"tier": "gold"})
    account_services.describe(**who, metadata={"tier": "silver"})
    account_services.freeze(**who)
    account_services.freeze(**who)
    account_services.unfreeze(**who)
    account_services.set_overdraft_limit(**who, limit=5)
    account_services.close(**who)

    written = log()
    assert types(written) == [
        "account.opened",
        "account.updated",
        "account.updated",
        "account.frozen",
        "account.unfrozen",
        "account.limit_changed",
        "account.closed",
    ]
    assert {(each.account_id, each.other_account_id, each.transfer_id) for each in written} == {
        (account.pk, None, None)
    }
    assert written[0].created_at == account.created_at


def account_services_open(owner):
    account = Account.objects.create(owner=owner, owner_name="alice", currency="USD")
    account.refresh_from_db()
    return account


def test_one_statement_that_changes_two_aspects_writes_two_events(alice, source, log):
    source.overdraft_limit, source.owner_name = 0, "renamed"
    source.metadata = {"a": "b"}
    Account.objects.filter(pk=source.pk).update(owner_name="x", metadata={"a": "b"})

    assert types(log()) == ["account.updated"]


def test_external_accounts_have_no_events(log):
    call_command("migrate", verbosity=0)

    assert not Event.objects.filter(account__kind="EXTERNAL").exists()
    assert log() == []


def test_a_refused_posting_writes_no_event(alice, source, dest, log):
    with pytest.raises(InsufficientFunds):
        transfer_order(source, dest, 10_01, actor=alice)

    assert log() == []


def test_a_posting_that_is_rolled_back_leaves_no_event(alice, source, log):
    with transaction.atomic():
        services.deposit(account_id=source.pk, amount=2, actor=alice)
        transaction.set_rollback(True)

    assert log() == []


def test_a_replay_writes_no_event(api, source, dest, log):
    order = {"source_account_id": source.pk, "dest_account_id": dest.pk, "amount": 5}
    for _ in range(2):
        assert api.post("/transfers", order, key="the-same").status_code == 201
    assert api.post("/transfers", {**order, "amount": 10_000}).status_code == 409

    assert types(log()) == ["transfer.posted"]


def test_a_reversal_in_the_admin_writes_its_event(client, alice, staff, source, dest, log):
    paid = transfer_order(source, dest, 10, actor=alice)
    client.force_login(staff)
    confirm(client, action_of(paid, "reverse"), reason="Paid twice")

    assert types(log()) == ["transfer.posted"] * 2


def test_a_load_of_entries_writes_an_event_for_each_transfer(db):
    call_command("seed_load", entries=60, accounts=10, holds=3, stdout=StringIO())

    transfers = Transfer.objects.order_by("pk").values_list("pk", flat=True)
    written = Event.objects.filter(transfer__isnull=False).in_order()
    assert [each.transfer_id for each in written] == list(transfers)


def test_ids_are_unique_and_begin_with_the_time(alice, source, dest, log):
    orders = [Order(source_id=source.pk, dest_id=dest.pk, amount=1) for _ in range(100)]
    posted = services.post_batch(orders=orders, actor=alice)
    services.capture(hold_id=hold_order(source, dest, 2, actor=alice).pk, actor=dest.owner)
    source.owner_name = "renamed"
    source.save(update_fields=["owner_name"])

    written = log()
    assert len(written) == 104
    assert len({each.uuid for each in written}) == 104
    assert {each.uuid.version for each in written} == {7}
    for each in written:
        milliseconds = each.uuid.int >> 80
        assert abs(milliseconds - each.created_at.timestamp() * 1000) <= 2
    assert [each.created_at for each in written[:100]] == [each.created_at for each in posted]
