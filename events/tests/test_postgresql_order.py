"""A reader that continues after the last event misses none, in whatever order others commit."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from events.models import Event
from events.order import START, Position
from events.tests.open_transactions import held_open
from ledger_project.database_metrics import DatabaseCollector
from ledger_project.server.tests.sockets import wait_until
from transfers import services
from transfers.models import Transfer
from transfers.services import Order

pytestmark = pytest.mark.django_db(transaction=True)


class Reader:
    """A reader of the log that keeps its position, and everything that it has read."""

    def __init__(self) -> None:
        self.position: Position = START
        self.seen: list[Event] = []

    def read(self, limit: int = 1000) -> list[Event]:
        page = list(Event.objects.visible().after(self.position).in_order()[:limit])
        if page:
            self.position = page[-1].position
        self.seen += page
        return page

    def transfers(self) -> list[Any]:
        return [each.transfer_id for each in self.seen if each.transfer_id]

    def read_up_to(self, last: Transfer) -> None:
        """Read until a transfer is visible, which autovacuum, for example, can delay."""

        def is_seen() -> bool:
            self.read()
            return last.pk in self.transfers()

        wait_until(is_seen)


@pytest.fixture
def deposit(alice, patient_database) -> Callable[..., Transfer]:
    return lambda account: services.deposit(account_id=account.pk, amount=1, actor=alice)


@pytest.fixture
def accounts(alice, funded_account):
    return [funded_account(alice) for _ in range(4)]


def test_nothing_after_an_open_transaction_is_visible_until_it_ends(accounts, deposit):
    reader = Reader()
    first = deposit(accounts[0])
    reader.read_up_to(first)

    with held_open(lambda: deposit(accounts[1])) as held:
        later = [deposit(accounts[2]), deposit(accounts[3])]
        assert Transfer.objects.count() == 3
        assert reader.read() == []

    reader.read_up_to(later[-1])
    assert reader.transfers() == [each.pk for each in (first, held, *later)]


def test_a_transaction_that_is_rolled_back_leaves_no_event_and_holds_nothing_back(
    accounts, deposit
):
    def fail() -> None:
        with transaction.atomic():
            deposit(accounts[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    kept = deposit(accounts[1])

    reader = Reader()
    reader.read_up_to(kept)
    assert reader.transfers() == [kept.pk]


def test_an_open_transaction_that_only_reads_holds_nothing_back(accounts, deposit):
    with held_open(lambda: Transfer.objects.count()):
        kept = deposit(accounts[0])
        reader = Reader()
        reader.read_up_to(kept)
        assert reader.transfers() == [kept.pk]


def hidden_seconds() -> float:
    [family] = [
        each
        for each in DatabaseCollector().collect()
        if each.name == "ledger_events_hidden_seconds"
    ]
    [sample] = family.samples
    return sample.value


def test_a_metric_tells_for_how_long_an_open_transaction_has_hidden_events(accounts, deposit):
    wait_until(lambda: hidden_seconds() == 0)
    with held_open(lambda: deposit(accounts[0])):
        deposit(accounts[1])
        hidden = hidden_seconds()
        deposit(accounts[2])
        assert hidden_seconds() > hidden > 0
    wait_until(lambda: hidden_seconds() == 0)


def test_a_reader_in_small_steps_sees_every_event_once_while_many_commit(
    alice, bob, funded_account, accounts, patient_database
):
    sources = [funded_account(alice, 1_000) for _ in range(4)]
    orders = [
        Order(source_id=source.pk, dest_id=dest.pk, amount=1)
        for source in sources
        for dest in accounts
    ]
    reader = Reader()
    reader.read_up_to(Transfer.objects.latest("pk"))

    def pay(number: int) -> None:
        try:
            # Held open for as long as others take to commit: some by one, some by several.
            with transaction.atomic():
                for order in orders[number :: len(orders)] * (1 + number % 3):
                    services.transfer(order=order, actor=alice)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        running: list[Future] = [threads.submit(pay, n % len(orders)) for n in range(60)]
        while not all(each.done() for each in running):
            reader.read(limit=3)
        for each in running:
            each.result()
    wait_until(
        lambda: not reader.read(limit=3) and len(reader.transfers()) >= Transfer.objects.count()
    )

    posted = [each.position for each in reader.seen]
    assert posted == sorted(posted)
    assert len(set(posted)) == len(posted)
    assert sorted(reader.transfers()) == sorted(Transfer.objects.values_list("pk", flat=True))


def test_the_same_reader_without_the_horizon_misses_an_event(accounts, deposit, monkeypatch):
    monkeypatch.setattr(type(Event.objects.all()), "visible", lambda events: events.all())
    reader = Reader()

    with held_open(lambda: deposit(accounts[0])) as held:
        later = deposit(accounts[1])
        reader.read()
    reader.read()

    assert reader.transfers() == [later.pk]
    assert Event.objects.filter(transfer=held).exists()
