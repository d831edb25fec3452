"""The queue of requests that wait for a thread: its length and its deadline."""

import asyncio
import gc
import socket
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from wsgiref.util import FileWrapper

import pytest
from django.http import HttpResponse

from ledger_project.server import threads
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

pytestmark = pytest.mark.django_db(transaction=True)

HEALTH = request("GET /healthz HTTP/1.1", "Connection: close")
OK = (200, {"status": "ok"})


def test_a_request_beyond_the_length_of_the_queue_gets_503_and_healthz_still_responds(
    start, gate, deposit, monkeypatch
):
    monkeypatch.setattr(threads, "QUEUE", 2)
    monkeypatch.setattr(threads, "QUEUE_SECONDS", PATIENCE)
    server = start(application=gate, threads=1)
    with ThreadPoolExecutor(3) as clients:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        sent = [clients.submit(exchange, server.port, deposit(f"{n}")) for n in range(2)]
        wait_until(lambda: server.front.threads.waiting == 2)
        received = exchange(server.port, deposit("one too many"))
        health = exchange(server.port, HEALTH)
        gate.open()
        done = [responses(each.result()) for each in (first, *sent)]

    [(status, problem)] = responses(received)
    assert (status, problem["code"]) == (503, "temporarily_unavailable")
    assert b"\r\nretry-after: 1\r\n" in received
    assert responses(health) == [OK]
    assert sorted(status for [(status, _)] in done) == [200, 200, 200]
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 3


def test_a_request_that_waits_too_long_gets_503_and_changes_nothing(
    start, gate, deposit, monkeypatch
):
    monkeypatch.setattr(threads, "QUEUE_SECONDS", 0.5)
    server = start(application=gate, threads=1)
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        late = [responses(exchange(server.port, deposit(f"late {n}"))) for n in range(2)]
        health = responses(exchange(server.port, HEALTH))
        gate.open()
        assert [status for status, _ in responses(first.result())] == [200]

    assert [(status, problem["code"]) for [(status, problem)] in late] == [
        (503, "temporarily_unavailable")
    ] * 2
    assert health == [OK]
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 1


def test_a_request_that_waited_too_long_leaves_no_body_in_memory(monkeypatch):
    monkeypatch.setattr(threads, "QUEUE_SECONDS", 0.1)
    begun, opened = threading.Event(), threading.Event()

    def application(environ, start_response):
        begun.set()
        opened.wait(PATIENCE)
        start_response("200 OK", [])
        return HttpResponse()

    async def response_and_body():
        pool = threads.Threads(application, 1)
        first = asyncio.create_task(pool.run({"wsgi.file_wrapper": FileWrapper}, None))
        await asyncio.to_thread(begun.wait, PATIENCE)
        body = BytesIO(b"body")
        kept = weakref.ref(body)
        response = await pool.run({"wsgi.input": body}, None)
        del body
        gc.collect()
        left = kept()
        opened.set()
        await first
        return response, left

    assert asyncio.run(response_and_body()) == (None, None)


def test_a_request_that_waited_too_long_leaves_its_place_in_the_queue(
    start, gate, deposit, monkeypatch
):
    monkeypatch.setattr(threads, "QUEUE", 1)
    monkeypatch.setattr(threads, "QUEUE_SECONDS", 0.5)
    server = start(application=gate, threads=1)
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        exchange(server.port, deposit("late"))
        monkeypatch.setattr(threads, "QUEUE_SECONDS", PATIENCE)
        with closing(connect(server.port)) as patient:
            patient.sendall(deposit("patient"))
            wait_until(lambda: server.front.threads.waiting == 1)
            gate.open()
            patient.shutdown(socket.SHUT_WR)
            received = read_all(patient)

    assert [status for status, _ in responses(first.result() + received)] == [200, 200]
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 2


def test_a_request_goes_to_the_thread_that_became_idle_last():
    used: list[int] = []
    together = threading.Barrier(3)

    def application(environ, start_response):
        used.append(threading.get_ident())
        if environ["at once"]:
            together.wait(PATIENCE)
        start_response("200 OK", [])
        return HttpResponse()

    async def respond():
        pool = threads.Threads(application, 8)
        alone = {"wsgi.file_wrapper": FileWrapper, "at once": False}
        await asyncio.gather(*(pool.run({**alone, "at once": True}, None) for _ in range(3)))
        for _ in range(10):
            await pool.run(alone, None)

    asyncio.run(respond())
    at_once, one_by_one = used[:3], used[3:]
    assert len(set(at_once)) == 3
    assert len(set(one_by_one)) == 1
    assert set(one_by_one) < set(at_once)


def test_requests_that_wait_for_a_thread_are_carried_out_in_the_order_of_arrival():
    opened = threading.Event()
    done = []

    def application(environ, start_response):
        opened.wait(PATIENCE)
        done.append(environ["number"])
        start_response("200 OK", [])
        return HttpResponse()

    async def respond():
        pool = threads.Threads(application, 1)
        environs = ({"wsgi.file_wrapper": FileWrapper, "number": n} for n in range(20))
        sent = [asyncio.create_task(pool.run(each, None)) for each in environs]
        while pool.waiting < 19:
            await asyncio.sleep(0)
        opened.set()
        await asyncio.gather(*sent)

    asyncio.run(respond())
    assert done == list(range(20))


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
def test_waiting_reads_of_disconnected_clients_are_dropped_and_writes_are_carried_out(
    start, gate, deposit, bearer, monkeypatch, reset
):
    monkeypatch.setattr(threads, "ABANDONED_SECONDS", 0)
    monkeypatch.setattr(threads, "QUEUE_SECONDS", PATIENCE)
    server = start(application=gate, threads=1)
    read = request("GET /accounts HTTP/1.1", bearer)
    with closing(connect(server.port)) as first:
        first.sendall(deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        for number, sent in enumerate((read, deposit("left"), read)):
            with closing(connect(server.port)) as leaving:
                leaving.sendall(sent)
                wait_until(lambda before=number: server.front.threads.waiting == before + 1)
                if reset:
                    leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        wait_until(lambda: [each.is_gone() for each in server.connections].count(False) == 1)
        gate.open()
        wait_until(lambda: not server.server.server_state.tasks)
        status = first.recv(12)

    assert status == b"HTTP/1.1 200"
    assert gate.begun == [f"/accounts/{deposit.account.pk}/deposit"] * 2
    deposit.account.refresh_from_db()
    assert deposit.account.balance == 2


def test_a_client_that_has_closed_its_side_gets_a_response_after_waiting(
    start, gate, deposit, monkeypatch
):
    monkeypatch.setattr(threads, "QUEUE_SECONDS", PATIENCE)
    server = start(application=gate, threads=1)
    with ThreadPoolExecutor(1) as clients, closing(connect(server.port)) as ended:
        first = clients.submit(exchange, server.port, deposit("first"))
        wait_until(lambda: gate.arrived == 1)
        ended.sendall(deposit("second"))
        ended.shutdown(socket.SHUT_WR)
        wait_until(lambda: server.front.threads.waiting == 1)
        gate.open()
        second = read_all(ended)

    assert [status for status, _ in responses(first.result() + second)] == [200, 200]
