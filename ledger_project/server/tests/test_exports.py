"""Exports have their own threads and temporary files, and don't delay other requests."""

import gc
import socket
import time
from contextlib import ExitStack, closing

import pytest
from django.db import transaction

from accounts.models import Account, external_account_id
from ledger_project.server import front, threads
from ledger_project.server.tests.sockets import (
    PATIENCE,
    RESET,
    connect,
    exchange,
    read_all,
    request,
    responses,
    wait_until,
)
from transfers.export_file import ExportFile
from transfers.kinds import Kind
from transfers.posting import Draft
from transfers.recording import record

pytestmark = pytest.mark.django_db(transaction=True)

CSV = "Accept: text/csv"
CLOSE = "Connection: close"
# The number of statement lines, each about 600 bytes long as CSV.
ROWS, BATCH = 10_000, 1_000


@pytest.fixture
def statement(deposit, bearer):
    """Return a function that builds the request for a statement."""

    def make(*headers: str, method: str = "GET") -> bytes:
        line = f"{method} /accounts/{deposit.account.pk}/statement HTTP/1.1"
        return request(line, bearer, *headers)

    return make


@pytest.fixture
def exports_gate(gate):
    """The application, which blocks requests for statements until it is opened."""
    gate.path = "/statement"
    return gate


@pytest.fixture
def long_statement(alice, deposit) -> int:
    """Make the statement larger than what the system buffers, and return its number of lines."""
    # Close the files of exports that other tests left unread.
    gc.collect()
    draft = Draft(
        Kind.DEPOSIT, external_account_id("USD"), deposit.account.pk, 1, memo="\u20ac" * 140
    )
    # In batches, each well within the statement timeout on a slow machine.
    for _ in range(ROWS // BATCH):
        with transaction.atomic():
            record(Account.objects.locked(deposit.account.pk), [draft] * BATCH, alice)
    return ROWS


def test_ordinary_requests_are_answered_while_many_exports_wait(
    start, exports_gate, statement, deposit, monkeypatch
):
    monkeypatch.setattr(threads, "QUEUE_SECONDS", PATIENCE)
    server = start(application=exports_gate, threads=1)
    with ExitStack() as stack:
        for number in range(24):
            client = stack.enter_context(closing(connect(server.port)))
            client.sendall(statement(CSV))
            if number % 2:
                client.close()
        wait_until(lambda: server.front.exports.waiting == 24 - front.EXPORT_THREADS)
        paid = responses(exchange(server.port, deposit("key")))
        ready = responses(exchange(server.port, request("GET /readyz HTTP/1.1")))
        exports_gate.open()

    assert [status for status, _ in paid + ready] == [200, 200]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "accept",
    [
        *("text/csv", "TEXT/CSV", "text/*", "*/csv", "text/csv;q=0.5", "application/pdf, text/csv"),
        *("*/*, application/json;q=0", "*/*;q=0.2, application/*;q=0.1"),
        "application/json;q=0.5, text/csv",
        pytest.param("text/csv" + ", a/b" * 200, id="a long header"),
    ],
)
def test_every_accept_header_that_prefers_csv_uses_the_threads_for_exports(
    start, exports_gate, statement, accept, method
):
    server = start(application=exports_gate)
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(connect(server.port))) for _ in range(3)]
        for client in clients:
            client.sendall(statement(f"Accept: {accept}", CLOSE, method=method))
        wait_until(lambda: exports_gate.arrived == 2 and server.front.exports.waiting == 1)
        exports_gate.open()
        received = [read_all(each) for each in clients]

    assert [each.partition(b"\r\n")[0] for each in received] == [b"HTTP/1.1 200 OK"] * 3
    assert [b"content-type: text/csv" in each for each in received] == [True] * 3


@pytest.mark.parametrize(
    "accept",
    [
        *("application/json", "*/*", "application/*"),
        "application/json, text/plain, */*",
        "text/csv;q=0, */*",
    ],
)
def test_a_statement_as_json_uses_the_ordinary_threads(
    start, exports_gate, statement, deposit, accept
):
    server = start(application=exports_gate)
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(connect(server.port))) for _ in range(3)]
        for client in clients:
            client.sendall(statement(f"Accept: {accept}", CLOSE))
        wait_until(lambda: exports_gate.arrived == 3)
        exports_gate.open()
        received = [responses(read_all(each)) for each in clients]

    assert [status for [(status, _)] in received] == [200] * 3


def test_the_file_of_an_export_is_closed_when_the_client_disconnects(
    server, statement, long_statement
):
    kept = []
    for reset in (False, True):
        with closing(connect(server.port, receive_buffer=4096)) as leaving:
            leaving.sendall(statement(CSV))
            assert leaving.recv(15) == b"HTTP/1.1 200 OK"
            kept.append((ExportFile.files, ExportFile.bytes > 600 * ROWS))
            if reset:
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        wait_until(lambda: (ExportFile.files, ExportFile.bytes) == (0, 0))

    assert kept == [(1, True)] * 2


def test_a_client_that_reads_an_export_too_slowly_is_disconnected_and_the_file_closed(
    server, statement, long_statement, monkeypatch
):
    monkeypatch.setattr(front, "SEND_SECONDS", 1)
    with closing(connect(server.port, receive_buffer=4096)) as slow:
        slow.sendall(statement(CSV, CLOSE))
        received = len(slow.recv(15))
        size = ExportFile.bytes
        # Each piece of 64 KiB meets its own deadline, but the whole response would take minutes.
        while ExportFile.files:
            received += len(slow.recv(2048))
            time.sleep(0.02)
        received += len(read_all(slow))

    assert received < size
