"""The ASGI application in front of Django: it waits for slow clients, so that no thread does."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from io import BytesIO
from typing import Any

from api.errors import ApiError
from api.exceptions import PayloadTooLarge
from ledger_project.server.exceptions import BrokenOff, Busy, RequestTimeout
from ledger_project.server.forwarded import TrustedProxies
from ledger_project.server.head import Head, asks_for_export, environ, refusal
from ledger_project.server.protocol import ABORT, BROKEN_OFF, IS_GONE, LINGER_SECONDS
from ledger_project.server.refusals import REFUSAL
from ledger_project.server.threads import Answer, Application, Environ, Threads

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

BODY_SECONDS = 10
# For each piece of an answer.
WRITE_SECONDS = 30
PIECE_BYTES = 64 * 1024
# For all of it. Until then the file of an export stays on the disk.
SEND_SECONDS = 300
# Bodies of requests that are being read or wait, in one worker.
BUFFERED_BYTES = 64 * 1024 * 1024

# Needs neither the database nor a place in the queue.
HEALTH = "/healthz"
# An export may take minutes. It has threads of its own, so that other requests don't wait for it.
EXPORT_THREADS = 2
# Dropped if the client is gone before a thread is free. A write is carried out all the same: it is
# short, and a client that only lost its connection finds it done when it retries.
READS = ("GET", "HEAD")


class Disconnected(Exception):
    """The client has gone before its request was whole: there is nobody to answer."""


class Front:
    """
    Serve a WSGI application from ``threads`` threads, and others for exports, health and refusals.

    :param proxies: whose ``X-Forwarded-*`` headers are believed
    :param largest_body: in bytes
    """

    def __init__(
        self, application: Application, *, threads: int, proxies: TrustedProxies, largest_body: int
    ) -> None:
        self._application, self._count = application, threads
        self._proxies, self._largest_body = proxies, largest_body
        self.buffered = 0

    def start(self) -> None:
        """Start the threads: in the worker, because threads don't survive a fork."""
        self.threads = Threads(self._application, self._count)
        self.exports = Threads(self._application, EXPORT_THREADS)
        self._health = Threads(self._application, 1)
        self._reserve = Threads(self._application, 1)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        head = Head.of(scope)
        variables = environ(head, scope, self._proxies)
        body = bytearray()
        try:
            error = refusal(head, self._largest_body)
            error = error or await self._read(body, scope, receive)
            if error is not None:
                variables[REFUSAL] = error
            answer = await self._answer(variables, bytes(body), scope["state"][IS_GONE])
        except Disconnected:
            return
        except asyncio.CancelledError:
            # The worker must end, and nobody knows whether the request will be carried out. A
            # client retries after a lost connection.
            scope["state"][ABORT]()
            return
        finally:
            self.buffered -= len(body)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await _send(answer, head.method, send, None if error is None else receive)
        except (TimeoutError, asyncio.CancelledError):
            scope["state"][ABORT]()

    async def _read(
        self, body: bytearray, scope: dict[str, Any], receive: Receive
    ) -> ApiError | None:
        """Read a body whole; return why it is refused, None if it isn't."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for piece in _pieces(receive):
                    if len(body) + len(piece) > self._largest_body:
                        return PayloadTooLarge(self._largest_body)
                    if self.buffered + len(piece) > BUFFERED_BYTES:
                        return Busy()
                    self.buffered += len(piece)
                    body += piece
        except TimeoutError:
            return RequestTimeout()
        return BrokenOff() if BROKEN_OFF in scope["state"] else None

    async def _answer(self, variables: Environ, body: bytes, is_gone: Callable[[], bool]) -> Answer:
        """Run Django in a thread, as soon as one is free, and return its answer."""
        variables["CONTENT_LENGTH"] = str(len(body))
        variables["wsgi.input"] = BytesIO(body)
        if REFUSAL not in variables:
            droppable = variables["REQUEST_METHOD"] in READS
            threads = self._threads_for(variables)
            answer = await threads.run(variables, is_gone if droppable else None)
            if answer is not None:
                return answer
            variables[REFUSAL] = Busy()
        return await self._reserve.run_at_last(variables)

    def _threads_for(self, variables: Environ) -> Threads:
        if variables["PATH_INFO"] == HEALTH:
            return self._health
        return self.exports if asks_for_export(variables) else self.threads


async def _pieces(receive: Receive) -> Any:
    """Yield a body piece by piece."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _send(answer: Answer, method: str, send: Send, unread: Receive | None) -> None:
    """
    Send an answer piece by piece, as fast as the client takes it.

    :param unread: where the rest of the request is, if it wasn't read; the connection then closes
    :raises TimeoutError: if the client doesn't take it
    """
    headers = [
        (name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in answer.headers
    ]
    body = answer.body
    if isinstance(body, bytes):
        if b"content-length" not in dict(headers) and answer.status[:3] not in ("204", "304"):
            headers.append((b"content-length", b"%d" % len(body)))
        body = BytesIO(body)
    if unread is not None:
        headers.append((b"connection", b"close"))
    await send(
        {"type": "http.response.start", "status": int(answer.status[:3]), "headers": headers}
    )
    with closing(body):
        while method != "HEAD" and (piece := body.read(PIECE_BYTES)):
            async with asyncio.timeout(WRITE_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    if unread is not None:
        await _drop(unread)
    async with asyncio.timeout(WRITE_SECONDS):
        await send({"type": "http.response.body", "body": b""})


async def _drop(unread: Receive) -> None:
    # A system that closes while the client still sends tells it so by a reset, and the client may
    # never read the answer: so what it sends is read for a while, and thrown away.
    with suppress(TimeoutError, Disconnected):
        async with asyncio.timeout(LINGER_SECONDS):
            async for _ in _pieces(unread):
                pass
