"""The ASGI application in front of Django. It waits for slow clients, so that no thread has to."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, nullcontext, suppress
from io import BytesIO
from typing import Any

from api.errors import ApiError
from api.exceptions import Busy, RequestTimeout
from api.waiting import HOLD, Hold, PollOfLedger
from ledger_project.server.buffer import Buffer
from ledger_project.server.forwarded import TrustedProxies
from ledger_project.server.head import Head, asks_for_export, environ, refusal, too_large
from ledger_project.server.protocol import ABORT, INCOMPLETE, IS_GONE, LINGER_SECONDS
from ledger_project.server.refusals import REFUSAL
from ledger_project.server.threads import Application, Environ, Response, Threads
from ledger_project.server.waiting import WaitingRoom

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# The deadline for receiving the whole body.
BODY_SECONDS = 10
# The deadline for sending each piece of a response.
WRITE_SECONDS = 30
PIECE_BYTES = 64 * 1024
# The deadline for sending a whole response. Until it is sent, an export's file stays on disk.
SEND_SECONDS = 300

# Needs no database connection and bypasses the queue.
HEALTH = "/healthz"
# Exports may take minutes. They have their own threads, so that other requests don't wait for them.
EXPORT_THREADS = 2
# These are dropped if the client disconnects before a thread is free. Writes are carried out
# anyway: they are short, and a client that lost its connection gets the stored response on a retry.
# Their bodies mean nothing (RFC 9110 §9.3.1) and aren't kept.
READS = ("GET", "HEAD")
# A 204 must not have a Content-Length, and that of a 304 would be of the content that the client
# has (RFC 9110 §8.6).
WITHOUT_CONTENT = ("204", "304")


class Disconnected(Exception):
    """The client disconnected before it had sent its whole request."""


class Front:
    """
    Serve a WSGI application over ASGI, in threads.

    :param threads: the number of threads for ordinary requests. Exports, ``/healthz`` and refused
        requests have threads of their own.
    :param proxies: the proxies whose ``X-Forwarded-*`` headers are trusted
    :param poll: looks for the news that requests wait for
    """

    def __init__(
        self,
        application: Application,
        *,
        threads: int,
        proxies: TrustedProxies,
        poll: PollOfLedger,
    ) -> None:
        self._application, self._count, self._poll = application, threads, poll
        self._proxies = proxies
        self.buffer = Buffer()

    def start(self) -> None:
        """Start the threads. Call this in the worker, because threads don't survive a fork."""
        self.threads = Threads(self._application, self._count)
        self.exports = Threads(self._application, EXPORT_THREADS)
        self._health = Threads(self._application, 1)
        self._refusals = Threads(self._application, 1)
        self.waiting = WaitingRoom(self._poll)

    def stop(self) -> None:
        """Send the responses of the requests that wait for news."""
        self.waiting.close()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Handle one request (ASGI 3)."""
        head = Head.of(scope)
        variables = environ(head, scope, self._proxies)
        body = bytearray()
        try:
            error = refusal(head)
            error = error or await self._read(body, variables, scope, receive)
            if error is not None:
                variables[REFUSAL] = error
            response = await self._respond(variables, bytes(body), scope["state"][IS_GONE])
        except Disconnected:
            return
        except asyncio.CancelledError:
            # The worker is stopping, and it isn't known whether the request will be carried out.
            # Close the connection, so that the client retries.
            scope["state"][ABORT]()
            return
        finally:
            self.buffer.release(variables["REMOTE_ADDR"], len(body))
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await _send(response, head.method, send, None if error is None else receive)
        except (TimeoutError, asyncio.CancelledError):
            scope["state"][ABORT]()

    async def _read(
        self, body: bytearray, variables: Environ, scope: dict[str, Any], receive: Receive
    ) -> ApiError | None:
        """Read the whole body into ``body``. Return the reason for a refusal, or None."""
        path, client, size = variables["PATH_INFO"], variables["REMOTE_ADDR"], 0
        is_kept = variables["REQUEST_METHOD"] not in READS
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for piece in _pieces(receive):
                    size += len(piece)
                    if error := too_large(path, size):
                        return error
                    if piece and is_kept:
                        if not self.buffer.take(client, len(piece)):
                            return Busy()
                        body += piece
        except TimeoutError:
            return RequestTimeout()
        refused: ApiError | None = scope["state"].get(INCOMPLETE)
        return refused

    async def _respond(
        self, variables: Environ, body: bytes, is_gone: Callable[[], bool]
    ) -> Response:
        """Run Django in a thread as soon as one is free, and return its response."""
        variables["CONTENT_LENGTH"] = str(len(body))
        if REFUSAL not in variables:
            response = await self._run(variables, body, is_gone)
            if response is not None:
                return response
            variables[REFUSAL] = Busy()
        variables["wsgi.input"] = BytesIO(body)
        return await self._refusals.run_unconditionally(variables)

    async def _run(
        self, variables: Environ, body: bytes, is_gone: Callable[[], bool]
    ) -> Response | None:
        """Run Django, and again when there is news for a view that waits for it."""
        threads = self._threads_for(variables)
        droppable = variables["REQUEST_METHOD"] in READS
        client = variables["REMOTE_ADDR"]
        time, deadline = asyncio.get_running_loop().time, None
        while True:
            hold = Hold()
            attempt = {**variables, "wsgi.input": BytesIO(body), HOLD: hold}
            async with self.waiting.turns if deadline else nullcontext():
                response = await threads.run(attempt, is_gone if droppable else None)
            if response is None or hold.wait is None:
                return response
            if not self.waiting.has_room_for(client):
                return None
            deadline = deadline or time() + hold.wait.seconds
            if not await self.waiting.wait(hold.wait, deadline - time(), is_gone, client):
                hold.send()
                return response

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


async def _send(response: Response, method: str, send: Send, unread: Receive | None) -> None:
    """
    Send a response piece by piece, as fast as the client reads it.

    :param unread: ``receive`` of a request whose body wasn't read to its end, or None. If it is
        given, the connection is closed after the response.
    :raises TimeoutError: if the client doesn't read a piece within ``WRITE_SECONDS``
    """
    headers = [
        (name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in response.headers
    ]
    body = response.body
    if response.status[:3] in WITHOUT_CONTENT:
        # Django adds the length of the body that it doesn't have.
        headers = [(name, value) for name, value in headers if name != b"content-length"]
    elif isinstance(body, bytes) and b"content-length" not in dict(headers):
        headers.append((b"content-length", b"%d" % len(body)))
    if isinstance(body, bytes):
        body = BytesIO(body)
    if unread is not None:
        headers.append((b"connection", b"close"))
    await send(
        {"type": "http.response.start", "status": int(response.status[:3]), "headers": headers}
    )
    with closing(body):
        while method != "HEAD" and (piece := body.read(PIECE_BYTES)):
            async with asyncio.timeout(WRITE_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    if unread is not None:
        await _discard(unread)
    async with asyncio.timeout(WRITE_SECONDS):
        await send({"type": "http.response.body", "body": b""})


async def _discard(unread: Receive) -> None:
    # Closing a connection with unread data resets it, and the client may then lose the response.
    # So keep reading for a while, and discard the data.
    with suppress(TimeoutError, Disconnected):
        async with asyncio.timeout(LINGER_SECONDS):
            async for _ in _pieces(unread):
                pass
