"""Requests that wait for events hold no thread, and are answered as soon as there is one."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from prometheus_client import REGISTRY
from rest_framework_simplejwt.tokens import AccessToken

from conftest import LedgerClient
from events import feed
from events.cursors import cursor_of
from events.models import Event
from events.order import Position, end_of_log
from ledger_project.server import waiting
from ledger_project.server.supervisor import allow_open_files
from ledger_project.server.tests.sockets import (
    connect,
    connected,
    exchange,
    read_all,
    request,
    responses,
    wait_until,
)
from transfers.services import deposit

pytestmark = pytest.mark.django_db(transaction=True)

# As many as one client may have wait.
MANY = 400
# Fewer than may wait for a thread.
AT_ONCE = 50


class Counting:
    """The application, which counts how often the feed is read."""

    def __init__(self) -> None:
        self.reads = 0
        self._django = WSGIHandler()

    def __call__(self, environ, start_response):
        self.reads += environ["PATH_INFO"] == "/events"
        return self._django(environ, start_response)


def cursor_for(user) -> str:
    return LedgerClient(user).get("/events").json()["next_cursor"]


def asking(user, **query) -> bytes:
    """Return a request for the events after those that the user can already see."""
    query = {"after": cursor_for(user), "wait": 20, **query}
    line = "&".join(f"{name}={value}" for name, value in query.items())
    return request(
        f"GET /events?{line} HTTP/1.1",
        f"Authorization: Bearer {AccessToken.for_user(user)}",
        "Connection: close",
    )


@contextmanager
def waiters(server, *requests: bytes) -> Iterator[list]:
    """Send requests over connections of their own, until all of them wait."""
    before = len(server.front.waiting)
    with connected(server.port, len(requests)) as connections:
        for number, (each, sent) in enumerate(zip(connections, requests, strict=True), 1):
            each.sendall(sent)
            if number % AT_ONCE == 0 or number == len(requests):
                wait_until(lambda sent=number: len(server.front.waiting) == before + sent)
        yield connections


def answer(connection) -> tuple[int, list[str]]:
    """Return the status, and the types of the events."""
    [(status, body)] = responses(read_all(connection))
    return status, [item["type"] for item in body["items"]]


@pytest.fixture
def account(alice, funded_account):
    return funded_account(alice)


@pytest.mark.one_database
def test_hundreds_wait_without_a_thread_and_only_those_concerned_are_answered(
    start, alice, bob, account, monkeypatch
):
    # Longer than a slow machine takes for all of them.
    monkeypatch.setattr(feed, "LONGEST_WAIT", 600)
    allow_open_files()
    application = Counting()
    server = start(threads=2, application=application)
    half = MANY // 2
    requests = [asking(alice, wait=600)] * half + [asking(bob, wait=600)] * half

    with waiters(server, *requests) as connections:
        reads = application.reads
        assert reads == MANY
        # Both threads are free, and one more thread polls for all who wait.
        for _ in range(4):
            assert exchange(server.port, request("GET /readyz HTTP/1.1")).startswith(
                b"HTTP/1.1 200"
            )
        deposit(account_id=account.pk, amount=1, actor=alice)
        assert [answer(each) for each in connections[:half]] == [(200, ["transfer.posted"])] * half
        assert len(server.front.waiting) == half
        assert application.reads == reads + half
        server.stop()
        assert [answer(each) for each in connections[half:]] == [(200, [])] * half


def test_a_wait_without_news_ends_with_an_empty_page(server, alice, account):
    sent = asking(alice, wait=1)

    [(status, body)] = responses(exchange(server.port, sent, end=False))

    assert (status, body["items"]) == (200, [])
    assert len(server.front.waiting) == 0
    deposit(account_id=account.pk, amount=1, actor=alice)
    after = LedgerClient(alice).get("/events", {"after": body["next_cursor"]}).json()
    assert [item["type"] for item in after["items"]] == ["transfer.posted"]


def test_a_request_that_waits_is_logged_and_counted_once(server, alice, account, caplog):
    caplog.set_level("INFO", logger="ledger.request")
    labels = {"method": "GET", "route": "/events", "status": "200"}
    news, nothing = asking(alice), asking(alice, type="hold.created", wait=1)
    before = REGISTRY.get_sample_value("ledger_requests_total", labels)
    caplog.clear()

    def logged() -> list[tuple[str, int]]:
        lines = [each.msg for each in caplog.records if each.name == "ledger.request"]
        return [(line["path"], line["status"]) for line in lines]

    with waiters(server, news) as [each]:
        assert logged() == []
        deposit(account_id=account.pk, amount=1, actor=alice)
        assert answer(each) == (200, ["transfer.posted"])
    assert logged() == [("/events", 200)]
    exchange(server.port, nothing, end=False)
    assert logged() == [("/events", 200)] * 2
    assert REGISTRY.get_sample_value("ledger_requests_total", labels) == before + 2


def test_a_page_with_events_does_not_wait(server, alice, account):
    sent = asking(alice)
    deposit(account_id=account.pk, amount=1, actor=alice)

    [(status, body)] = responses(exchange(server.port, sent, end=False))

    assert (status, [item["type"] for item in body["items"]]) == (200, ["transfer.posted"])


def test_a_client_that_disconnects_frees_its_place(server, alice, account):
    with waiters(server, *[asking(alice)] * 3) as connections:
        connections[0].close()
        wait_until(lambda: len(server.front.waiting) == 2)


def test_the_body_of_a_request_that_waits_is_not_kept(server, alice, account):
    length = b"\r\nContent-Length: 60000\r\n\r\n"
    sent = asking(alice).replace(b"\r\n\r\n", length) + b" " * 60_000

    with waiters(server, sent):
        assert server.front.buffer.used == 0


def test_a_reader_whose_cursor_is_ahead_of_the_log_wakes_nobody(start, alice, bob, funded_account):
    application = Counting()
    server = start(application=application)
    account = funded_account(bob)
    end = end_of_log(connection)
    ahead = Position(end.transaction + 10**6, end.number + 10**6)

    with (
        waiters(server, asking(alice, after=cursor_of(ahead))),
        waiters(server, asking(bob)) as [b],
    ):
        # Each was read once, and both wait.
        assert (len(server.front.waiting), application.reads) == (2, 2)
        deposit(account_id=account.pk, amount=1, actor=bob)
        assert answer(b) == (200, ["transfer.posted"])
        assert (len(server.front.waiting), application.reads) == (1, 3)


def test_a_client_may_take_half_of_the_places_and_is_refused_before_others(
    server, alice, account, monkeypatch
):
    monkeypatch.setattr(waiting, "MOST_WAITING", 4)
    sent = asking(alice)

    with waiters(server, sent, sent):
        refused = exchange(server.port, sent, end=False)
        with closing(connect(server.port, address="127.0.0.2")) as other:
            other.sendall(sent)
            wait_until(lambda: len(server.front.waiting) == 3)

    [(status, body)] = responses(refused)
    assert (status, body["code"]) == (503, "temporarily_unavailable")
    assert b"retry-after: " in refused.lower()


def test_news_of_another_type_or_account_do_not_end_a_wait(start, alice, account, funded_account):
    application = Counting()
    server = start(application=application)
    other = funded_account(alice)
    requests = [
        asking(alice, type="hold.created"),
        asking(alice, account_id=other.pk),
        asking(alice, account_id=account.pk, type="transfer.posted"),
    ]

    with waiters(server, *requests) as connections:
        deposit(account_id=account.pk, amount=1, actor=alice)
        assert answer(connections[2]) == (200, ["transfer.posted"])
        assert (len(server.front.waiting), application.reads) == (2, 4)
        deposit(account_id=other.pk, amount=1, actor=alice)
        assert answer(connections[1]) == (200, ["transfer.posted"])
        assert len(server.front.waiting) == 1


class Late:
    """The application, in which something happens after the second reading of the feed."""

    def __init__(self) -> None:
        self.reads, self.between = 0, lambda: None
        self._django = WSGIHandler()

    def __call__(self, environ, start_response):
        response = self._django(environ, start_response)
        if environ["PATH_INFO"] == "/events":
            self.reads += 1
            if self.reads == 2:
                self.between()
        return response


def test_an_event_between_the_look_and_the_wait_is_not_missed(start, alice, bob, account):
    application = Late()
    server = start(application=application)
    sent = asking(alice)

    def happens():
        deposit(account_id=account.pk, amount=1, actor=alice)
        newest = Event.objects.in_order().last().position
        connection.close()
        # The server has looked for news, and doesn't know yet that this request is going to wait.
        wait_until(lambda: server.front.waiting.watches[None].reached >= newest)

    application.between = happens
    with waiters(server, asking(bob)):
        [(status, body)] = responses(exchange(server.port, sent, end=False))

    assert (status, [item["type"] for item in body["items"]]) == (200, ["transfer.posted"])


def test_nothing_is_polled_when_nobody_waits(server, alice, account):
    with waiters(server, asking(alice)) as [each]:
        assert list(server.front.waiting.watches) == [None]
        deposit(account_id=account.pk, amount=1, actor=alice)
        assert answer(each) == (200, ["transfer.posted"])
    wait_until(lambda: server.front.waiting.watches == {})


def test_a_client_that_has_finished_sending_is_answered_at_once(server, alice, account):
    [(status, body)] = responses(exchange(server.port, asking(alice), end=True))

    assert (status, body["items"]) == (200, [])


def test_without_this_server_the_response_comes_at_once(alice, account):
    response = LedgerClient(alice).get("/events", {"after": cursor_for(alice), "wait": 20})

    assert (response.status_code, response.json()["items"]) == (200, [])
