"""Send requests over plain sockets, including requests that no HTTP library would send."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from ledger_project.tests.live import HOST

# In seconds: far more than anything here takes, even on a slow and busy machine.
PATIENCE = 60
# The value of SO_LINGER with which closing a connection resets it.
RESET = b"\1\0\0\0\0\0\0\0"


def connect(port: int, receive_buffer: int | None = None, address: str = HOST) -> socket.socket:
    """
    Return a connection to the server.

    :param receive_buffer: the size in bytes of the buffer for unread data
    :param address: that of the client, in 127.0.0.0/8
    """
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(PATIENCE)
    connection.bind((address, 0))
    connection.connect((HOST, port))
    return connection


@contextmanager
def connected(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Hold ``count`` connections open until the block ends."""
    connections: list[socket.socket] = []
    try:
        for _ in range(count):
            connections.append(connect(port))
        yield connections
    finally:
        for connection in connections:
            connection.close()


def request(line: str, *headers: str, body: bytes = b"", host: str = HOST) -> bytes:
    """Return the bytes of a request with a Host header, the other headers and the body."""
    return "\r\n".join([line, f"Host: {host}", *headers, "", ""]).encode("latin-1") + body


def exchange(port: int, sent: bytes, *, end: bool = True) -> bytes:
    """
    Send bytes, and return everything received until the server closes the connection.

    :param end: whether to close this side of the connection after sending
    """
    with closing(connect(port)) as connection:
        connection.sendall(sent)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Return everything received until the server closes the connection."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def responses(received: bytes) -> list[tuple[int, Any]]:
    """Return the status and the JSON document (None if the body is empty) of each response."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status == 100:
            found.append((100, None))
            received = rest
            continue
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(lines.get(b"content-length", 0))
        found.append((status, json.loads(rest[:length]) if length else None))
        received = rest[length:]
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true, for ``PATIENCE`` seconds at most."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
