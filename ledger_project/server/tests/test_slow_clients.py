"""Slow clients of any kind and number don't keep others from being served."""

import resource
from contextlib import ExitStack, closing, suppress

import pytest
from django.db import transaction

from accounts.models import Account, external_account_id
from ledger_project.server.front import EXPORT_THREADS
from ledger_project.server.tests.sockets import connect, connected, read_all, request, responses
from ledger_project.tests.live import LiveClient, live_server
from transfers.kinds import Kind
from transfers.posting import Draft
from transfers.recording import record

pytestmark = pytest.mark.django_db(transaction=True)

JSON = "Content-Type: application/json"
# The number of statement lines, 6 MB as CSV, and how many of them are recorded at once.
ROWS, AT_ONCE = 10_000, 1_000

HEALTH = request("GET /healthz HTTP/1.1")


@pytest.fixture
def assert_served(live, alice, funded_account):
    """Return a function that asserts that ordinary requests succeed."""
    account = funded_account(alice)

    def check(times: int = 10) -> None:
        # Use a new connection each time, so that every worker gets some of them.
        for _ in range(times):
            with LiveClient(live.port, alice) as client:
                assert client.get("/healthz").status == 200
                assert client.post(f"/accounts/{account.pk}/deposit", {"amount": 1}).status == 200

    return check


def test_idle_connections_do_not_block_other_clients(live, assert_served):
    with connected(live.port, 500) as connections:
        for each in connections[::3]:
            each.sendall(HEALTH)
        assert_served()


HALVES = {
    "a length": request("POST /auth/token HTTP/1.1", JSON, "Content-Length: 100", body=b"{"),
    "a length and nothing": request("POST /auth/token HTTP/1.1", JSON, "Content-Length: 100"),
    "chunks": request("PUT /x HTTP/1.1", JSON, "Transfer-Encoding: chunked", body=b"9\r\n{"),
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: 127",
}


# What a client may send on each of its connections without going on. After the last one it doesn't
# read the responses, which are larger than what the system buffers.
STATES = {
    "nothing": b"",
    **HALVES,
    "no reading": request("GET /openapi.json HTTP/1.1") * 20,
}


@pytest.mark.one_database
def test_a_client_that_takes_all_connections_does_not_block_others(alice, funded_account):
    account = funded_account(alice)
    with live_server() as server:
        for worker in server.workers():
            # Then a worker takes 64 connections.
            resource.prlimit(worker, resource.RLIMIT_NOFILE, (192, 192))
        for state, sent in STATES.items():
            with connected(server.port, 300) as connections:
                for each in connections:
                    with suppress(OSError):  # It was closed to make room for another one.
                        each.sendall(sent)
                        if state == "no reading":
                            # Not all at once, because they would fill the queue for threads.
                            each.recv(1)
                for _ in range(5):
                    with LiveClient(server.port, alice) as client:
                        path = f"/accounts/{account.pk}/deposit"
                        assert client.post(path, {"amount": 1}).status == 200


@pytest.mark.one_database  # They never get as far as the database.
def test_incomplete_requests_do_not_block_other_clients_and_are_refused(live, assert_served):
    # Repeat this, because after ten seconds the requests are refused and can't block anything.
    for _ in range(5):
        with connected(live.port, 60) as connections:
            for number, each in enumerate(connections):
                each.sendall(list(HALVES.values())[number % len(HALVES)])
            assert_served(times=2)
    with connected(live.port, len(HALVES)) as connections:
        for each, half in zip(connections, HALVES.values(), strict=True):
            each.sendall(half)
        refused = [responses(read_all(each)) for each in connections]

    assert [[status for status, _ in each] for each in refused] == [[408]] * len(HALVES)


@pytest.fixture
def large_account(alice, funded_account) -> Account:
    """An account whose statement is larger than what the system buffers for a client."""
    account = funded_account(alice)
    draft = Draft(Kind.DEPOSIT, external_account_id("USD"), account.pk, 1, memo="\u20ac" * 140)
    for _ in range(ROWS // AT_ONCE):
        with transaction.atomic():
            record(Account.objects.locked(account.pk), [draft] * AT_ONCE, alice)
    return account


def test_clients_that_do_not_read_do_not_block_other_clients(
    live, assert_served, large_account, bearer
):
    path = f"/accounts/{large_account.pk}/statement"
    export = request(f"GET {path} HTTP/1.1", bearer, "Accept: text/csv", "Connection: close")
    with ExitStack() as stack:
        silent = []
        # More than the service has threads for exports.
        for _ in range(len(live.workers()) * EXPORT_THREADS + 1):
            silent.append(stack.enter_context(closing(connect(live.port, receive_buffer=4096))))
            silent[-1].sendall(export)
            # The response has begun, so its thread is free, but most of it is still unsent.
            assert silent[-1].recv(15) == b"HTTP/1.1 200 OK"
        assert_served()
        # Use a new connection, because on a slow machine the silent ones may be closed by now.
        reader = stack.enter_context(closing(connect(live.port)))
        reader.sendall(export)
        exported = read_all(reader).partition(b"\r\n\r\n")[2]

    assert exported.count(b"\n") == 1 + ROWS
