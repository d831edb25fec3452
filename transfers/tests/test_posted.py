"""Listeners hear of every posting inside its transaction, and of nothing else."""

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


class Heard:
    """A listener that keeps what it is told, the accounts' figures as they were at the time."""

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
        """Assert that it was told of each transfer since it began once, as the database has it."""
        told = sorted((row(each.transfer), each.entries) for each in self.postings)
        transfers = Transfer.objects.exclude(pk__in=self.before).order_by("pk")
        assert [transfer for transfer, _ in told] == [row(each) for each in transfers]
        for transfer, entries in told:
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
    """Return a function that adds a listener for the time of the test."""
    added = []

    def add(listener):
        posted.listeners.append(listener)
        added.append(listener)
        return listener

    yield add
    for listener in added:
        posted.listeners.remove(listener)


@pytest.fixture
def heard(mine, theirs, listen):
    return listen(Heard())


@pytest.fixture
def mine(alice, funded_account):
    return funded_account(alice, 100)


@pytest.fixture
def theirs(bob, funded_account):
    return funded_account(bob, 100)


def test_each_kind_of_transfer_is_heard_with_its_entries(alice, bob, staff, mine, theirs, heard):
    services.deposit(account_id=mine.pk, amount=5, actor=alice)
    services.withdraw(account_id=mine.pk, amount=5, actor=alice)
    paid = transfer_order(mine, theirs, 10, actor=alice)
    captured, voided = (hold_order(mine, theirs, 20, actor=alice) for _ in range(2))
    services.capture(hold_id=captured.pk, actor=bob, amount=15)
    services.void(hold_id=voided.pk, actor=alice)
    services.reverse(transfer_id=paid.pk, actor=bob)

    assert heard.kinds() == [*list(Kind)[:4], "HOLD", *list(Kind)[4:]]
    heard.assert_complete()


def test_a_batch_is_heard_at_once_and_in_its_order(alice, mine, theirs, heard):
    orders = [Order(source_id=mine.pk, dest_id=theirs.pk, amount=amount) for amount in (3, 1, 2)]

    services.post_batch(orders=orders, actor=alice)

    assert heard.calls == 1
    assert [each.transfer.amount for each in heard.postings] == [3, 1, 2]
    heard.assert_complete()


def test_whatever_the_api_posts_is_heard_once_and_no_replay(api, alice, mine, theirs, heard):
    order = {"source_account_id": mine.pk, "dest_account_id": theirs.pk, "amount": 5}
    api.post(f"/accounts/{mine.pk}/deposit", {"amount": 5})
    api.post(f"/accounts/{mine.pk}/withdraw", {"amount": 5})
    api.post("/transfers/batch", {"transfers": [order, order]})
    hold = api.post("/transfers", {**order, "hold": True}).json()
    api.post(f"/transfers/{hold['id']}/void", {})
    for _ in range(2):
        assert api.post("/transfers", order, key="the-same").status_code == 201
    assert api.post("/transfers", {**order, "amount": 10_000}).status_code == 409

    assert heard.kinds() == [
        "DEPOSIT",
        "WITHDRAWAL",
        "TRANSFER",
        "TRANSFER",
        "HOLD",
        "VOID",
        "TRANSFER",
    ]
    heard.assert_complete()


def test_a_reversal_in_the_admin_is_heard(client, alice, staff, mine, theirs, heard):
    paid = transfer_order(mine, theirs, 10, actor=alice)
    client.force_login(staff)

    client.post(
        reverse("admin:transfers_transfer_changelist"),
        {"action": "reverse", "_selected_action": [str(paid.pk)], "reason": "Paid twice"},
    )

    assert heard.kinds() == ["TRANSFER", "REVERSAL"]
    heard.assert_complete()


def test_releases_that_make_way_for_a_posting_are_heard_before_it(alice, mine, theirs, heard):
    expired_hold(mine, theirs, 60, actor=alice)

    transfer_order(mine, theirs, 100, actor=alice)

    assert heard.kinds() == ["HOLD", "VOID", "TRANSFER"]
    assert heard.calls == 2
    heard.assert_complete()


def test_releases_by_the_command_are_heard(alice, mine, theirs, heard):
    expired_hold(mine, theirs, 60, actor=alice)

    call_command("expire_holds", stdout=StringIO())

    assert heard.kinds() == ["HOLD", "VOID"]
    heard.assert_complete()


def test_a_release_for_closing_an_account_is_heard(alice, staff, theirs, heard, funded_account):
    account = funded_account(alice)
    account_services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=50)
    expired_hold(account, theirs, 40, actor=alice)

    account_services.close(account_id=account.pk, actor=alice)

    assert heard.kinds() == ["HOLD", "VOID"]
    heard.assert_complete()


def test_the_load_of_a_seed_is_heard(db, listen):
    heard = listen(Heard())

    call_command("seed_load", entries=60, accounts=10, stdout=StringIO())

    assert len(heard.postings) == 30
    heard.assert_complete()


def test_nothing_is_heard_of_a_posting_that_is_refused(alice, mine, theirs, heard):
    expired_hold(mine, theirs, 60, actor=alice)
    orders = [Order(source_id=mine.pk, dest_id=theirs.pk, amount=amount) for amount in (90, 11)]

    with pytest.raises(InsufficientFunds):
        services.post_batch(orders=orders, actor=alice)

    assert heard.kinds() == ["HOLD"]
    heard.assert_complete()


def test_what_a_listener_writes_goes_with_a_posting_that_is_rolled_back(alice, mine, listen):
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


def test_a_listener_that_raises_undoes_the_posting(alice, mine, listen, all_rows):
    before = all_rows()
    listen(fail)

    with pytest.raises(RuntimeError), transaction.atomic():
        services.deposit(account_id=mine.pk, amount=1, actor=alice)

    assert all_rows() == before


def test_a_caller_who_goes_on_after_a_listener_raised_commits_nothing(
    alice, mine, listen, all_rows
):
    before = all_rows()
    listen(fail)

    with transaction.atomic(), pytest.raises(RuntimeError):
        services.deposit(account_id=mine.pk, amount=1, actor=alice)

    assert all_rows() == before


def test_each_listener_is_told_in_the_order_in_which_they_were_added(alice, mine, listen):
    told = []
    listen(lambda *_: told.append("first"))
    listen(lambda *_: told.append("second"))

    services.deposit(account_id=mine.pk, amount=1, actor=alice)

    assert told == ["first", "second"]
