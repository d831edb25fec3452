"""Listeners are called for every posting inside its transaction, and for nothing else."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse

from accounts import services as account_services
from accounts.models import Account
from transfers import posted, services
from transfers.exceptions import InsufficientFunds
from transfers.kinds import Kind
from transfers.models import LedgerEntry, Transfer
from transfers.services import Order
from transfers.tests.orders import expired_hold, hold_order, transfer_order

pytestmark = pytest.mark.django_db

FIGURES = ("balance", "held", "version", "last_posted_at")


class Recorder:
    """A listener that records its calls, with the accounts' figures at the time of the call."""

    def __init__(self):
        self.before = set(Transfer.objects.values_list("pk", flat=True))
        self.calls, self.postings, self.figures = 0, [], {}

    def __call__(self, written, accounts):
        self.calls += 1
        self.postings += written
        for account in accounts.values():
            self.figures[account.pk] = tuple(getattr(account, name) for name in FIGURES)

    def kinds(self):
        return [each.transfer.kind for each in self.postings]

    def assert_complete(self):
        """Assert that it got each transfer since it was added exactly once, as in the database."""
        recorded = sorted((row(each.transfer), each.entries) for each in self.postings)
        transfers = Transfer.objects.exclude(pk__in=self.before).order_by("pk")
        assert [transfer for transfer, _ in recorded] == [row(each) for each in transfers]
        for transfer, entries in recorded:
            legs = LedgerEntry.objects.filter(transfer_id=transfer[0]).order_by("-type")
            assert [leg(each) for each in entries] == [leg(each) for each in legs]
        accounts = Account.objects.filter(pk__in=self.figures)
        assert {each[0]: each[1:] for each in accounts.values_list("pk", *FIGURES)} == self.figures


def row(transfer):
    return tuple(getattr(transfer, field.attname) for field in Transfer._meta.concrete_fields)


def leg(entry):
    names = ("account_id", "type", "amount", "balance", "sequence", "ts")
    return tuple(getattr(entry, name) for name in names)


@pytest.fixture
def listen():
    """Return a function that adds a listener for the duration of the test."""
    added = []

    def add(listener):
        posted.listeners.append(listener)
        added.append(listener)
        return listener

    yield add
    for listener in added:
        posted.listeners.remove(listener)


@pytest.fixture
def recorder(mine, theirs, listen):
    return listen(Recorder())


@pytest.fixture
def mine(alice, funded_account):
    return funded_account(alice, 100)


@pytest.fixture
def theirs(bob, funded_account):
    return funded_account(bob, 100)


def test_listeners_get_each_kind_of_transfer_with_its_entries(
    alice, bob, staff, mine, theirs, recorder
):
    services.deposit(account_id=mine.pk, amount=5, actor=alice)
    services.withdraw(account_id=mine.pk, amount=5, actor=alice)
    paid = transfer_order(mine, theirs, 10, actor=alice)
    captured, voided = (hold_order(mine, theirs, 20, actor=alice) for _ in range(2))
    services.capture(hold_id=captured.pk, actor=bob, amount=15)
    services.void(hold_id=voided.pk, actor=alice)
    services.reverse(transfer_id=paid.pk, actor=bob)

    assert recorder.kinds() == [*list(Kind)[:4], "HOLD", *list(Kind)[4:]]
    recorder.assert_complete()


def test_listeners_get_a_batch_in_one_call_and_in_order(alice, mine, theirs, recorder):
    orders = [Order(source_id=mine.pk, dest_id=theirs.pk, amount=amount) for amount in (3, 1, 2)]

    services.post_batch(orders=orders, actor=alice)

    assert recorder.calls == 1
    assert [each.transfer.amount for each in recorder.postings] == [3, 1, 2]
    recorder.assert_complete()


def test_listeners_get_each_posting_of_the_api_once_and_no_replays(
    api, alice, mine, theirs, recorder
):
    order = {"source_account_id": mine.pk, "dest_account_id": theirs.pk, "amount": 5}
    api.post(f"/accounts/{mine.pk}/deposit", {"amount": 5})
    api.post(f"/accounts/{mine.pk}/withdraw", {"amount": 5})
    api.post("/transfers/batch", {"transfers": [order, order]})
    hold = api.post("/transfers", {**order, "hold": True}).json()
    api.post(f"/transfers/{hold['id']}/void", {})
    for _ in range(2):
        assert api.post("/transfers", order, key="the-same").status_code == 201
    assert api.post("/transfers", {**order, "amount": 10_000}).status_code == 409

    assert recorder.kinds() == [
        "DEPOSIT",
        "WITHDRAWAL",
        "TRANSFER",
        "TRANSFER",
        "HOLD",
        "VOID",
        "TRANSFER",
    ]
    recorder.assert_complete()


def test_listeners_get_a_reversal_made_in_the_admin(client, alice, staff, mine, theirs, recorder):
    paid = transfer_order(mine, theirs, 10, actor=alice)
    client.force_login(staff)

    client.post(
        reverse("admin:transfers_transfer_changelist"),
        {"action": "reverse", "_selected_action": [str(paid.pk)], "reason": "Paid twice"},
    )

    assert recorder.kinds() == ["TRANSFER", "REVERSAL"]
    recorder.assert_complete()


def test_listeners_get_releases_before_the_posting_that_needed_them(alice, mine, theirs, recorder):
    expired_hold(mine, theirs, 60, actor=alice)

    transfer_order(mine, theirs, 100, actor=alice)

    assert recorder.kinds() == ["HOLD", "VOID", "TRANSFER"]
    assert recorder.calls == 2
    recorder.assert_complete()


def test_listeners_get_releases_by_the_command(alice, mine, theirs, recorder):
    expired_hold(mine, theirs, 60, actor=alice)

    call_command("expire_holds", stdout=StringIO())

    assert recorder.kinds() == ["HOLD", "VOID"]
    recorder.assert_complete()


def test_listeners_get_a_release_caused_by_closing_an_account(
    alice, staff, theirs, recorder, funded_account
):
    account = funded_account(alice)
    account_services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=50)
    expired_hold(account, theirs, 40, actor=alice)

    account_services.close(account_id=account.pk, actor=alice)

    assert recorder.kinds() == ["HOLD", "VOID"]
    recorder.assert_complete()


def test_listeners_get_the_postings_of_seed_load(db, listen):
    recorder = listen(Recorder())

    call_command("seed_load", entries=60, accounts=10, stdout=StringIO())

    assert len(recorder.postings) == 30
    recorder.assert_complete()


def test_listeners_are_not_called_for_a_refused_posting(alice, mine, theirs, recorder):
    expired_hold(mine, theirs, 60, actor=alice)
    orders = [Order(source_id=mine.pk, dest_id=theirs.pk, amount=amount) for amount in (90, 11)]

    with pytest.raises(InsufficientFunds):
        services.post_batch(orders=orders, actor=alice)

    assert recorder.kinds() == ["HOLD"]
    recorder.assert_complete()


def test_the_writes_of_a_listener_are_rolled_back_with_the_posting(alice, mine, listen):
    listen(lambda written, accounts: User.objects.create(username=str(written[0].transfer.pk)))
    services.deposit(account_id=mine.pk, amount=1, actor=alice)

    with transaction.atomic():
        services.deposit(account_id=mine.pk, amount=2, actor=alice)
        transaction.set_rollback(True)

    kept = Transfer.objects.get(created_by=alice)
    written = User.objects.filter(username__contains="-").values_list("username", flat=True)
    assert list(written) == [str(kept.pk)]


def fail(written, accounts):
    raise RuntimeError("The listener failed.")


def test_a_posting_is_rolled_back_if_a_listener_raises(alice, mine, listen, all_rows):
    before = all_rows()
    listen(fail)

    with pytest.raises(RuntimeError), transaction.atomic():
        services.deposit(account_id=mine.pk, amount=1, actor=alice)

    assert all_rows() == before


def test_a_caller_that_catches_the_error_of_a_listener_commits_nothing(
    alice, mine, listen, all_rows
):
    before = all_rows()
    listen(fail)

    with transaction.atomic(), pytest.raises(RuntimeError):
        services.deposit(account_id=mine.pk, amount=1, actor=alice)

    assert all_rows() == before


def test_listeners_are_called_in_the_order_in_which_they_were_added(alice, mine, listen):
    recorded = []
    listen(lambda *_: recorded.append("first"))
    listen(lambda *_: recorded.append("second"))

    services.deposit(account_id=mine.pk, amount=1, actor=alice)

    assert recorded == ["first", "second"]
