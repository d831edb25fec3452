"""A pooler that does to a connection what PgBouncer does, except for sharing sessions."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

SSL, GSSENC = 80877103, 80877104


@contextmanager
def pooler(host: str, port: int) -> Iterator[int]:
    """Listen until the block ends, and yield the port. Each client gets its own session."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=_accept, args=(listener, (host, port)), daemon=True).start()
        yield listener.getsockname()[1]
        # Wakes `accept`.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server: tuple[str, int]) -> None:
    with suppress(OSError):
        while True:
            client = listener.accept()[0]
            threading.Thread(target=_serve, args=(client, server), daemon=True).start()


def _serve(client: socket.socket, server: tuple[str, int]) -> None:
    with suppress(OSError, EOFError), closing(client):
        code, body = _startup(client)
        while code in (SSL, GSSENC):
            client.sendall(b"N")
            code, body = _startup(client)
        with closing(socket.create_connection(server)) as session:
            session.sendall(_packet(code, _without_options(body)))
            relay = threading.Thread(target=_relay, args=(client, session), daemon=True)
            relay.start()
            _until_ready(session, client)
            _relay(session, client)


def _startup(client: socket.socket) -> tuple[int, bytes]:
    length, code = struct.unpack("!II", _read(client, 8))
    return code, _read(client, length - 8)


def _packet(code: int, body: bytes) -> bytes:
    return struct.pack("!II", len(body) + 8, code) + body


def _without_options(body: bytes) -> bytes:
    """Drop the startup options, as with ``ignore_startup_parameters = options``."""
    words = body.rstrip(b"\0").split(b"\0")
    pairs = [pair for pair in zip(words[::2], words[1::2], strict=True) if pair[0] != b"options"]
    return b"".join(b"%b\0%b\0" % pair for pair in pairs) + b"\0"


def _until_ready(session: socket.socket, client: socket.socket) -> None:
    """Pass on what comes before the first query, with another id of the session."""
    kind = b""
    while kind != b"Z":
        head = _read(session, 5)
        kind, length = head[:1], struct.unpack("!I", head[1:])[0]
        body = _read(session, length - 4)
        if kind == b"K":
            body = struct.pack("!I", struct.unpack("!I", body[:4])[0] ^ 1) + body[4:]
        client.sendall(head + body)


def _relay(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _read(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = source.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data
