"""
One connection: requests are read whole, and answered in their order, one at a time.

It is always in one of these states, and in each but the third it has a deadline:

    idle       nothing of the next request has come     the connection is cut
    head, body of a request are being read              408
    answering  Django is at work: its own timeouts
    writing    the client has not taken what was sent   the connection is cut
    closing    what the client still sends is dropped   the connection is cut
"""

import asyncio
import math
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, cast

import structlog

from ledger_project.server.answers import PIECE, bare, pieces
from ledger_project.server.reading import Reader, Request
from ledger_project.server.refusals import REFUSAL, broken_off, timed_out

if TYPE_CHECKING:
    from ledger_project.server.worker import Worker

SECONDS = {"idle": 75, "head": 10, "body": 10, "closing": 2}
# For each piece of an answer.
WRITE_SECONDS = 30

logger = structlog.get_logger("ledger.server")


class Connection(asyncio.Protocol):
    """What asyncio calls when bytes come and go, and what answers them."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        self._state = ""
        # When the client is late with what it sends, and with what it has to take.
        self._read_by, self._write_by = math.inf, math.inf
        self._writable = asyncio.Event()
        self._writable.set()
        # Answers what has been read; what comes meanwhile is held.
        self._task: asyncio.Task[None] | None = None
        self._held = b""
        # The client has said that it sends no more; it is gone.
        self._eof = self._lost = False

    # ── The client ───────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Writing is paused as long as anything waits for the client.
        self._transport.set_write_buffer_limits(high=0)
        # It has no address if it is gone already.
        peer = transport.get_extra_info("peername") or ("", 0)
        server = transport.get_extra_info("sockname")
        self._reader = Reader(self._worker, peer[0], (server[0], server[1]))
        self._worker.arrived(self)
        self._look_ahead()

    def connection_lost(self, _error: Exception | None) -> None:
        self._lost = True
        self.resume_writing()
        self._reader.release_all()
        self._worker.left(self)

    def data_received(self, data: bytes) -> None:
        if self._state == "closing":
            return
        if self._task is not None:
            self._held += data
            if len(self._held) > PIECE:
                self._transport.pause_reading()
            return
        self._reader.feed(data)
        self._look_ahead()

    def eof_received(self) -> bool:
        """Answer what has arrived whole. True keeps the other direction open for it."""
        self._eof = True
        if self._task is None and self._state == "body":
            self._reader.refuse(broken_off())
            self._look_ahead()
        return self._task is not None

    def pause_writing(self) -> None:
        self._writable.clear()
        self._write_by = self._loop.time() + WRITE_SECONDS

    def resume_writing(self) -> None:
        self._writable.set()
        self._write_by = math.inf

    # ── The worker ───────────────────────────────────────────────────────────────────────────────

    def look_at_clock(self) -> None:
        """Act on what the client is late with."""
        now = self._loop.time()
        if now > self._read_by and self._state in ("head", "body"):
            self._reader.refuse(timed_out())
            self._look_ahead()
        elif now > self._read_by or now > self._write_by:
            self.drop()

    def stop(self) -> None:
        """End, after what is under way if there is anything."""
        if self._state == "idle":
            self.drop()

    def drop(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    # ── The requests ─────────────────────────────────────────────────────────────────────────────

    def _look_ahead(self) -> None:
        """Answer what is there, or else wait for what is to come."""
        if self._reader.requests:
            self._enter("answering")
            self._task = self._loop.create_task(self._answer_all())
        elif self._reader.request is not None:
            self._enter("body")
            if self._reader.wants_continue:
                self._reader.wants_continue = False
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        else:
            self._enter("head" if self._reader.begun else "idle")

    def _enter(self, state: str) -> None:
        # The deadline is that of the state, however much comes in it.
        if state == self._state:
            return
        self._state = state
        self._read_by = self._loop.time() + SECONDS.get(state, math.inf)
        if state == "answering":
            self._worker.waiting.pop(self, None)
        else:
            self._worker.waiting.setdefault(self)

    async def _answer_all(self) -> None:
        keep_alive, requests = True, self._reader.requests
        try:
            while requests and keep_alive and not self._lost:
                keep_alive = await self._answer(requests.popleft())
        except Exception:
            logger.exception("an answer failed")
            keep_alive = False
            self.drop()
        self._task = None
        if self._lost:
            self._reader.release_all()
        elif keep_alive and not self._is_last():
            self._go_on()
        else:
            self._close()

    def _is_last(self) -> bool:
        return self._reader.ended or self._worker.stopping or (self._eof and not self._held)

    def _go_on(self) -> None:
        """Take up what came while requests were answered."""
        held, self._held = self._held, b""
        if held:
            self._transport.resume_reading()
            self._reader.feed(held)
        self._look_ahead()
        if self._eof and not self.eof_received():
            self._close()

    async def _answer(self, request: Request) -> bool:
        """Answer a request, and return whether the connection is kept."""
        if request.environ is None:
            assert request.refusal is not None
            request_id = str(uuid.uuid4())
            logger.info("not a request", request_id=request_id, code=request.refusal.code)
            self._transport.write(bare(request.refusal, request_id))
            return False
        if request.refusal is not None:
            request.environ[REFUSAL] = request.refusal
        try:
            answer = await self._worker.answer(request.environ, bytes(request.body))
        finally:
            self._reader.release(request)
        keep_alive = request.keep_alive and (bool(self._reader.requests) or not self._is_last())
        with closing(pieces(answer, request.environ["REQUEST_METHOD"], keep_alive)) as to_send:
            for piece in to_send:
                if self._lost:
                    break
                self._transport.write(piece)
                await self._writable.wait()
        return keep_alive

    def _close(self) -> None:
        # A system that closes while the client still sends tells it so by a reset, and the client
        # may never read the answer: so what it sends is read for a while, and thrown away.
        self._reader.release_all()
        self._enter("closing")
        if self._eof:
            self._transport.close()
        else:
            self._transport.write_eof()
            self._transport.resume_reading()
