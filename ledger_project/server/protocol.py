"""
HTTP/1.1 as uvicorn speaks it, with the deadlines and bounds that it lacks.

uvicorn takes a protocol class as its ``http`` option, but doesn't document what is in one. This one
overrides methods of its parent (``on_*``, ``_start_asgi_task``) and uses its attributes: ``cycle``
(the request whose head was read last), ``scope``, ``url``, ``headers``, ``flow``, ``parser``,
``pipeline``, ``connections``, ``access_log``, ``timeout_keep_alive_task``,
``timeout_keep_alive_handler`` and ``_unset_keepalive_if_required``.
"""

import asyncio
import resource
import uuid
from asyncio import TimerHandle
from itertools import count
from typing import Any, cast

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.errors import ApiError
from ledger_project.server.exceptions import MalformedRequest, RequestTimeout
from ledger_project.server.refusals import bare
from ledger_project.server.target import refusal_of_target

IDLE_SECONDS = 75
HEAD_SECONDS = 10
# For so long a client that was refused may send on before it reads the answer.
LINGER_SECONDS = 2
LARGEST_HEAD = 64 * 1024
# Requests that a client may send before it has read the answers to those before.
PIPELINE = 32
# In one worker. One more, and the connection that has waited longest for its client is closed.
CONNECTIONS = 1000
# What a worker has open besides: the database, static files, and 32 exports.
OTHER_FILES = 128

# What ``front.py`` finds in the ``state`` of a request: how to cut its connection, whether its
# client has closed its side, and whether its body broke off.
ABORT, IS_GONE, BROKEN_OFF = "ledger.abort", "ledger.is_gone", "ledger.broken_off"

TOO_LARGE = f"A head may have {LARGEST_HEAD} bytes at most."

logger = structlog.get_logger("ledger.server")

# The event loop's clock is too coarse to tell which of two connections has waited longer.
_turns = count()


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Each request is a line of the service's own log.
        self.access_log = False
        # Runs while a head is being read.
        self._head_deadline: TimerHandle | None = None
        self._head_bytes = 0
        # Whether the last bytes had any of a body, and how many since then had none.
        self._passed_on, self._between = False, 0
        # After a refusal nothing more is read.
        self._refused = False
        # Whether the client has closed its side.
        self._ended = False
        self._waiting_since = next(_turns)
        # The request that is being answered. ``cycle`` may be a later one that waits for its turn.
        self._running: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            IDLE_SECONDS, self.timeout_keep_alive_handler
        )
        if len(self.connections) > _most_connections():
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_over()
        if self._running is not None:
            # Or the answer would be written to a connection that is closed.
            self._running.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._passed_on = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(MalformedRequest("This isn't a valid HTTP/1.1 request."))
        if self._head_deadline is not None:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                self._refuse(MalformedRequest(TOO_LARGE))
        else:
            self._bound_the_rest(len(data))

    def eof_received(self) -> bool:  # type: ignore[override]
        """Let a client that sends no more have its answers. True keeps that direction open."""
        self._ended = True
        if self.cycle is None or self.cycle.response_complete:
            return False
        self._end_after_cycle()
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._waiting_since = next(_turns)

    # ── The head ─────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        self._unset_keepalive_if_required()
        super().on_message_begin()
        self._waiting_since, self._head_bytes = next(_turns), 0
        self._head_deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, RequestTimeout())

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes after a body in chunks is a trailer, and no part of the head.
        if self._head_deadline is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._head_is_over()
        if (
            len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            > LARGEST_HEAD
        ):
            self._refuse(MalformedRequest(TOO_LARGE))
        if len(self.pipeline) >= PIPELINE:
            self._refuse(
                MalformedRequest(f"Send at most {PIPELINE} requests before you read an answer.")
            )
        if error := refusal_of_target(self.url):
            self._refuse(error)
        if self._refused:
            # The parser stops here.
            raise ValueError
        if not self.url.startswith(b"/"):
            self._take_host_of_target()
        super().on_headers_complete()
        self.scope["state"][ABORT] = self._abort
        self.scope["state"][IS_GONE] = self.is_gone

    def _take_host_of_target(self) -> None:
        # Of a request that is sent as if to a proxy, the target's host counts (RFC 9112 §3.2.2).
        target = httptools.parse_url(self.url)
        if target.host:
            # The parser takes the brackets of an IPv6 address away.
            host = b"[%s]" % target.host if b":" in target.host else target.host
            host = host if target.port is None else b"%s:%d" % (host, target.port)
            # In place of each Host, so that two of them are still refused.
            self.headers[:] = [
                (name, host if name == b"host" else value) for name, value in self.headers
            ]

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._passed_on = True
        super().on_body(body)

    def _bound_the_rest(self, size: int) -> None:
        # What comes between chunks and after them: their sizes, and trailers that may never end.
        self._between = 0 if self._passed_on else self._between + size
        unfinished = self.cycle is not None and self.cycle.more_body
        if unfinished and self._between > LARGEST_HEAD:
            self._refuse(MalformedRequest(TOO_LARGE))

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """
        Read a request that asks for another protocol as if it didn't (RFC 9110 §7.8).

        The parser passes over its body, so it is given the head again, without the header.
        """
        self._head_is_over()
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(MalformedRequest("This is not a proxy."))
            return
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
        for name, value in self.headers:
            if name == b"connection":
                kept = [each for each in value.split(b",") if each.strip().lower() != b"upgrade"]
                value = b",".join(kept)
            if name != b"upgrade":
                lines.append(b"%s: %s" % (name, value))
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def on_response_complete(self) -> None:
        self._waiting_since = next(_turns)
        super().on_response_complete()

    def _head_is_over(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    # ── The end ──────────────────────────────────────────────────────────────────────────────────

    def _refuse(self, error: ApiError) -> None:
        """Refuse what can't be read, after the answers to what came before it."""
        if self._refused:
            return
        self._head_is_over()
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self._end_after_cycle()
            return
        request_id = str(uuid.uuid4())
        logger.info("not a request", request_id=request_id, code=error.code)
        self.transport.write(bare(error, request_id))
        # A system that closes while the client still sends tells it so by a reset, and the client
        # may never read the answer.
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _end_after_cycle(self) -> None:
        """Close the connection once the last request is answered, broken off as it may be."""
        if self.cycle.more_body:
            self.scope["state"][BROKEN_OFF] = True
            self.cycle.more_body = False
            self.cycle.message_event.set()
        self.cycle.keep_alive = False

    def _abort(self) -> None:
        self._running.disconnected = True
        self.transport.abort()

    def is_gone(self) -> bool:
        """
        Return whether the client has closed its side.

        TCP doesn't tell a client that only sends no more from one that reads no more either.
        """
        return self._ended or self.transport.is_closing()

    def _make_room(self) -> None:
        others = cast("set[Protocol]", self.connections) - {self}
        waiting = [each for each in others if each._waits_for_client()]
        # If every other connection is at work, the newcomer itself is closed.
        min(waiting, key=lambda each: each._waiting_since, default=self).transport.abort()

    def _waits_for_client(self) -> bool:
        # For a request, for the rest of one, or for the client to read.
        cycle = self.cycle
        unread = self.flow.write_paused
        return unread or cycle is None or cycle.response_complete or cycle.more_body


def _most_connections() -> int:
    """Return how many connections this process may have, by its limit of open files too."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return CONNECTIONS
    return min(CONNECTIONS, max(1, files - OTHER_FILES))
