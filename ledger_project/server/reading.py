"""Bytes in, whole requests out: what is refused, and why, is decided as early as it is known."""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httptools

from ledger_project.problems import Problem, too_large
from ledger_project.server.head import Head, environ, refusal
from ledger_project.server.refusals import busy, malformed

if TYPE_CHECKING:
    from ledger_project.server.worker import Worker

LARGEST_HEAD = 64 * 1024
# Requests that a client sends before it has read the answers to the ones before.
PIPELINE = 32


@dataclass
class Request:
    """A request, whole or refused. One whose head couldn't be read has no environment."""

    environ: dict[str, Any] | None
    body: bytearray = field(default_factory=bytearray)
    refusal: Problem | None = None
    keep_alive: bool = False


class Reader:
    """The requests of one connection. After a refusal, or the last request, it takes no more."""

    def __init__(self, worker: "Worker", peer: str, server: tuple[str, int]) -> None:
        self._worker, self._peer, self._server = worker, peer, server
        self._parser = httptools.HttpRequestParser(self)
        # Whole, and not taken yet.
        self.requests: deque[Request] = deque()
        # Whether a request has begun to arrive, and the request once its head is there.
        self.begun = False
        self.request: Request | None = None
        self.ended = False
        # Whether the client waits for a word before it sends the body (RFC 9110 §10.1.1).
        self.wants_continue = False
        self._head_size = 0

    def feed(self, data: bytes) -> None:
        """Read more bytes."""
        before = len(self.requests)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # What comes after the request is in another protocol: the request is the last one.
            self.ended = True
        except httptools.HttpParserError as error:
            problem = error.__context__
            if not isinstance(problem, Problem):
                problem = malformed("This is not a request of HTTP/1.1.")
            self.refuse(problem)
        else:
            if self.begun and self.request is None and len(self.requests) == before:
                self._bound_head(len(data))

    def refuse(self, problem: Problem) -> None:
        """Let what is being read be answered by a problem, and read nothing more."""
        request = self.request or Request(None)
        self.release(request)
        request.refusal, request.keep_alive = problem, False
        self.requests.append(request)
        self.begun, self.request, self.ended = False, None, True

    def release(self, request: Request) -> None:
        """Give up the body of a request, which counts as long as it is kept."""
        self._worker.buffered -= len(request.body)
        request.body = bytearray()

    def release_all(self) -> None:
        """Give up everything that was read."""
        for request in self.requests:
            self.release(request)
        self.requests.clear()
        if self.request is not None:
            self.release(self.request)

    def _bound_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > LARGEST_HEAD:
            self.refuse(malformed(f"A head may have {LARGEST_HEAD} bytes at most."))

    # ── What the parser finds, in the order in which it arrives ──────────────────────────────────

    def on_message_begin(self) -> None:
        if len(self.requests) >= PIPELINE:
            raise malformed(f"Send at most {PIPELINE} requests before you read the answers.")
        self.begun, self._head_size = True, 0
        self._target = b""
        self._headers: list[tuple[str, str]] = []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip()))

    def on_headers_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        target = self._target.decode("latin-1")
        head = Head.of(method, target, self._parser.get_http_version(), self._headers)
        self.request = Request(environ(head, self._peer, self._server, self._worker.proxies))
        problem = refusal(head, self._worker.largest_body)
        if problem is not None:
            raise problem
        self.request.keep_alive = head.version == "1.1" and self._parser.should_keep_alive()
        expects = head.headers.get("expect", "").lower()
        self.wants_continue = head.version == "1.1" and expects == "100-continue"

    def on_body(self, body: bytes) -> None:
        assert self.request is not None
        if len(self.request.body) + len(body) > self._worker.largest_body:
            raise too_large(self._worker.largest_body)
        if not self._worker.has_room(len(body)):
            raise busy()
        self._worker.buffered += len(body)
        self.request.body += body

    def on_message_complete(self) -> None:
        assert self.request is not None
        self.requests.append(self.request)
        self.begun, self.request, self.wants_continue = False, None, False
