"""
uvicorn's HTTP/1.1 protocol, with the deadlines and limits that uvicorn lacks.

uvicorn accepts a protocol class as its ``http`` option, but doesn't document its interface. This
class overrides methods of its parent (``on_*``, ``_start_asgi_task``) and uses these attributes:
``cycle`` (the request whose head was read last), ``scope``, ``url``, ``headers``, ``flow``,
``parser``, ``pipeline``, ``connections``, ``access_log``, ``timeout_keep_alive_task``,
``timeout_keep_alive_handler`` and ``_unset_keepalive_if_required``.
"""

import asyncio
import resource
import uuid
from asyncio import TimerHandle
from collections import Counter
from itertools import count
from typing import Any, cast

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.errors import ApiError
from api.exceptions import IncompleteRequest, MalformedRequest, RequestTimeout
from ledger_project.addresses import network_of
from ledger_project.server.refusals import raw_response
from ledger_project.server.target import refusal_of_target

IDLE_SECONDS = 75
HEAD_SECONDS = 10
# How long a client whose request was refused may continue to send before the connection is closed.
LINGER_SECONDS = 2
# In bytes, and the number of headers. Some headers take much longer to read than to send.
LARGEST_HEAD = 16 * 1024
MOST_HEADERS = 100
# The number of requests that a client may send ahead while a response is pending.
PIPELINE = 32
# The limit for one worker. Beyond it, connections of the client with the most are closed: those
# that have waited for it longest, one part of all connections, as it takes long to find them.
CONNECTIONS = 1000
PARTS = 32
# Files that a worker needs besides connections: the database, static files and 32 exports.
OTHER_FILES = 128

# Keys in the ASGI ``state`` of a request, for ``front.py``: a function that aborts the connection,
# one that returns whether the client has closed its side, and why the body won't be complete.
ABORT, IS_GONE, INCOMPLETE = "ledger.abort", "ledger.is_gone", "ledger.incomplete"

TOO_LARGE = (
    f"The request line and headers are too large. They may have at most {LARGEST_HEAD} bytes."
)
TOO_MANY = f"Send at most {MOST_HEADERS} headers."
TRAILERS_TOO_LARGE = (
    f"The chunk extensions or trailers are too large. They may have at most {LARGEST_HEAD} bytes."
)

logger = structlog.get_logger("ledger.server")

# Orders connections by how long they have waited. The event loop's clock is too coarse for that.
_ticks = count()


class Protocol(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The service logs each request itself.
        self.access_log = False
        # The timer that runs while a head is being read.
        self._head_deadline: TimerHandle | None = None
        self._head_bytes = 0
        # Whether the last data completed a head or contained a part of a body, and how many bytes
        # since then did neither.
        self._progressed, self._overhead = False, 0
        # Once a request is refused, nothing more is read.
        self._refused = False
        # Whether the client has closed its side.
        self._ended = False
        self._waiting_since = next(_ticks)
        # The request that is being handled. ``cycle`` may be a later, pipelined request.
        self._running: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._network = network_of(self.client[0] if self.client else None)
        self.timeout_keep_alive_task = self.loop.call_later(
            IDLE_SECONDS, self.timeout_keep_alive_handler
        )
        if len(self.connections) > _most_connections():
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_head_deadline()
        if self._running is not None:
            # Otherwise the response would be written to a closed connection.
            self._running.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._progressed = False
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
            self._limit_chunk_overhead(len(data))

    def eof_received(self) -> bool:  # type: ignore[override]
        """
        Let a client that has finished sending receive its responses.

        Returning True keeps the connection open for writing.
        """
        self._ended = True
        if self.cycle is None or self.cycle.response_complete:
            return False
        self._end_after_cycle(IncompleteRequest())
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._waiting_since = next(_ticks)

    # ── The head ─────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        self._unset_keepalive_if_required()
        super().on_message_begin()
        self._waiting_since, self._head_bytes = next(_ticks), 0
        self._head_deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, RequestTimeout())

    def on_header(self, name: bytes, value: bytes) -> None:
        # After a chunked body these are trailers, which must not be taken for headers.
        if self._head_deadline is None:
            return
        if len(self.headers) >= MOST_HEADERS:
            self._refuse(MalformedRequest(TOO_MANY))
            # Stops the parser.
            raise ValueError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._cancel_head_deadline()
        self._progressed = True
        if (
            len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            > LARGEST_HEAD
        ):
            self._refuse(MalformedRequest(TOO_LARGE))
        if len(self.pipeline) >= PIPELINE:
            self._refuse(
                MalformedRequest(f"Send at most {PIPELINE} requests before you read a response.")
            )
        if error := refusal_of_target(self.url):
            self._refuse(error)
        if self._refused:
            # Stops the parser.
            raise ValueError
        if not self.url.startswith(b"/"):
            self._take_host_of_target()
        super().on_headers_complete()
        self.scope["state"][ABORT] = self._abort
        self.scope["state"][IS_GONE] = self.is_gone

    def _take_host_of_target(self) -> None:
        # The host of an absolute target takes precedence over the header (RFC 9112 §3.2.2).
        target = httptools.parse_url(self.url)
        if target.host:
            # The parser removes the brackets around an IPv6 address.
            host = b"[%s]" % target.host if b":" in target.host else target.host
            host = host if target.port is None else b"%s:%d" % (host, target.port)
            # Replace every Host header, so that a repeated one is still refused.
            self.headers[:] = [
                (name, host if name == b"host" else value) for name, value in self.headers
            ]

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._progressed = True
        super().on_body(body)

    def _limit_chunk_overhead(self, size: int) -> None:
        # Chunk sizes, chunk extensions and trailers could go on for ever.
        self._overhead = 0 if self._progressed else self._overhead + size
        unfinished = self.cycle is not None and self.cycle.more_body
        if unfinished and self._overhead > LARGEST_HEAD:
            self._refuse(MalformedRequest(TRAILERS_TOO_LARGE))

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """
        Handle a request that asks for a protocol upgrade as an ordinary one (RFC 9110 §7.8).

        The parser doesn't read the body of such a request, so a new parser gets the head again,
        without the upgrade.
        """
        self._cancel_head_deadline()
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(MalformedRequest("CONNECT is not supported: this server is not a proxy."))
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
        self._waiting_since = next(_ticks)
        super().on_response_complete()

    def _cancel_head_deadline(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    # ── The end ──────────────────────────────────────────────────────────────────────────────────

    def _refuse(self, error: ApiError) -> None:
        """Refuse an unreadable request, once the earlier requests have their responses."""
        if self._refused:
            return
        self._cancel_head_deadline()
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self._end_after_cycle(error)
            return
        request_id = str(uuid.uuid4())
        logger.info("request rejected", request_id=request_id, code=error.code)
        self.transport.write(raw_response(error, request_id))
        # Closing a connection with unread data resets it, and the client may lose the response. So
        # close it for writing only at first, and completely after a while.
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _end_after_cycle(self, error: ApiError) -> None:
        """Close the connection after the last response, which is ``error`` if a body is missing."""
        if self.cycle.more_body:
            self.scope["state"][INCOMPLETE] = error
            self.cycle.more_body = False
            self.cycle.message_event.set()
        self.cycle.keep_alive = False

    def _abort(self) -> None:
        self._running.disconnected = True
        self.transport.abort()

    def is_gone(self) -> bool:
        """
        Return whether the client has closed its side.

        The client may still read: TCP doesn't say whether it only finished sending or has left.
        """
        return self._ended or self.transport.is_closing()

    def _make_room(self) -> None:
        others = cast("set[Protocol]", self.connections) - {self}
        waiting = [each for each in others if each._waits_for_client()]
        # A client with many connections makes room for the others, which keep theirs.
        held = Counter(each._network for each in waiting)
        waiting.sort(key=lambda each: (-held[each._network], each._waiting_since))
        # If none is waiting, the new connection itself is closed.
        for each in waiting[: max(1, _most_connections() // PARTS)] or [self]:
            each.transport.abort()

    def _waits_for_client(self) -> bool:
        # It waits for a request, for the rest of one, or for the client to read a response.
        cycle = self.cycle
        unread = self.flow.write_paused
        return unread or cycle is None or cycle.response_complete or cycle.more_body


def _most_connections() -> int:
    """Return the limit on connections, which the limit on open files may lower."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return CONNECTIONS
    return min(CONNECTIONS, max(1, files - OTHER_FILES))
