"""Servers on this machine that receive webhooks, well or badly."""

import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socket import socket

# Receives the connection after the request was read, and the event that is set at the end.
Behaviour = Callable[[socket, threading.Event], None]


@dataclass
class Receiver:
    """
    A server, with the requests that it has received so far: heads and bodies.

    ``end`` makes those who hang close their connections.
    """

    port: int
    end: Callable[[], None]
    requests: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def receiver(behave: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver that reads each request whole and then behaves like this."""
    ended = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                connection = self.request
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                with connection:
                    received.requests.append(_read(connection))
                    behave(connection, ended)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        # Connections beyond it would have to be attempted again, after seconds.
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        received = Receiver(server.server_address[1], ended.set)
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        try:
            yield received
        finally:
            ended.set()
            server.shutdown()
            thread.join()


def answering(status: int, body: str = "", **headers: str) -> Behaviour:
    """Return a behaviour that sends a complete response. ``retry_after`` becomes Retry-After."""
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return sending("\r\n".join([*lines, "", body]).encode())


def sending(data: bytes) -> Behaviour:
    """Return a behaviour that sends these bytes and closes the connection."""

    def behave(connection: socket, ended: threading.Event) -> None:
        connection.sendall(data)

    return behave


def hanging(connection: socket, ended: threading.Event) -> None:
    """Never respond."""
    ended.wait(60)


def dripping(connection: socket, ended: threading.Event) -> None:
    """Respond with 200 at once, and then send a byte of the body now and then."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not ended.wait(0.05):
        connection.sendall(b"a")


def dripping_head(connection: socket, ended: threading.Event) -> None:
    """Send a byte of the head now and then."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not ended.wait(0.05):
        connection.sendall(b"a")


def _read(connection: socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _piece(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    [length] = [line.partition(":")[2] for line in lines if line.startswith("content-length:")]
    while len(body) < int(length):
        body += _piece(connection)
    return head.decode(), body


def _piece(connection: socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError
    return piece
