"""
The load generator if wrk isn't installed: one process with raw keep-alive sockets.

It takes the arguments of ``load.lua`` and prints the same line. It uses several times the processor
time of wrk, which lowers the figures. The report says how much it used.
"""

import argparse
import json
import re
import selectors
import socket
import statistics
import time
from itertools import count, cycle
from pathlib import Path
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# The last chunk. JSON has no CRLF that it could be taken for.
CHUNKS_END = b"\r\n0\r\n\r\n"
PLACED = re.compile(rb'"id":"([^"]+)","kind":"HOLD"')


class Connection:
    """One keep-alive connection, with at most one request in progress."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.started = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.started = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Receive data, and return the status when the response is complete."""
        chunk = self.socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("The server closed the connection.")
        self.received += chunk
        head, end, body = self.received.partition(HEAD_END)
        if not end:
            return None
        # gunicorn sends a body of unknown length in chunks.
        length = LENGTH.search(head)
        complete = len(body) >= int(length[1]) if length else body.endswith(CHUNKS_END)
        return int(head.split(b" ", 2)[1]) if complete else None


def prepare(method: str, host: str, tokens: list[str], line: str) -> tuple[bytes, bytes]:
    """Return the parts of a request before and after its new key."""
    user, path, key, body = line.split("\t", 3)
    token, _, of_ledger = tokens[int(user)].partition("\t")
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {of_ledger or host}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body.encode())}\r\nIdempotency-Key: {key}"
    )
    return head.encode(), HEAD_END + body.encode()


def run(arguments: argparse.Namespace) -> dict[str, float]:
    """Send the requests in turn on all connections until the time is over."""
    address = urlsplit(arguments.url)
    tokens = arguments.tokens.read_text().splitlines()
    lines = arguments.requests.read_text().splitlines()
    method = "POST" if arguments.method == "HOLD" else arguments.method
    prepared = cycle([prepare(method, address.netloc, tokens, line) for line in lines])
    serial = count(1)
    holds = arguments.method == "HOLD"

    def next_request(response: bytes = b"") -> bytes:
        head, tail = next(prepared)
        # As in load.lua, the request after a hold voids it.
        if holds and (placed := PLACED.search(response)):
            path = b"POST /transfers/%s/void HTTP/1.1" % placed[1]
            head = re.sub(rb"Content-Length: \d+", b"Content-Length: 2", head)
            head, tail = path + head[head.index(b"\r\n") :], HEAD_END + b"{}"
        # A request with its own key ends with it.
        own = not head.endswith(b": ")
        return head + (b"" if own else f"{arguments.prefix}{next(serial)}".encode()) + tail

    selector = selectors.DefaultSelector()
    begun = time.perf_counter()
    for _ in range(arguments.connections):
        connection = Connection(address.hostname or "", address.port or 80)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(next_request())
    times: list[float] = []
    refused = 0
    while (now := time.perf_counter()) < begun + arguments.seconds:
        for ready, _ in selector.select(timeout=begun + arguments.seconds - now):
            connection = ready.data
            status = connection.receive()
            if status is not None:
                times.append(time.perf_counter() - connection.started)
                refused += not 200 <= status < 300
                connection.send(next_request(connection.received))
    elapsed = time.perf_counter() - begun
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    return {
        "requests": len(times),
        "seconds": elapsed,
        "p50_ms": cuts[49] * 1000,
        "p99_ms": cuts[98] * 1000,
        "not_2xx": refused,
        "lost": 0,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("url")
    parser.add_argument("method")
    parser.add_argument("tokens", type=Path)
    parser.add_argument("requests", type=Path)
    parser.add_argument("prefix")
    print(json.dumps(run(parser.parse_args())))
