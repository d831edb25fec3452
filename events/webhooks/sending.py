"""
Send one HTTP request to the receiver of a webhook.

The receiver is a stranger's server. It gets ten seconds in all, no redirect is followed, and only
the first 64 KiB that it sends are read. The connection goes to the address that was checked, so a
name that resolves to another address a moment later gains nothing.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpcore

from events.webhooks.addresses import (
    PORTS,
    Lookup,
    Refused,
    Target,
    look_up,
    lookup_threads,
    require_public,
)
from events.webhooks.failures import in_words

# For the lookup, the connection, the request and the response together.
SECONDS = 10
# For connecting to one of several addresses.
CONNECT_SECONDS = 3
# How much of the response is kept, for the owner to see. In bytes.
EXCERPT = 1024
# How much of the response is read, with its head and with the interim responses (1xx) before it.
LARGEST_RESPONSE = 64 * 1024
# What connecting, reading and parsing can raise. A ValueError is raised for an invalid name.
FAILURES = (
    *(httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException),
    *(OSError, ValueError),
)
USER_AGENT = "Mini-Ledger-Webhooks"
LONGEST_ERROR = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What an attempt led to.

    ``status`` is the status of the response, or None if there was none; ``error`` then says why.
    ``excerpt`` is the beginning of the response's body. ``retry_after`` is that header, if any.
    """

    status: int | None
    milliseconds: int
    error: str = ""
    excerpt: str = ""
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver has accepted the message: any status from 200 to 299."""
        return self.status is not None and 200 <= self.status < 300


class Sender:
    """
    Sends requests. Its method ``post`` may run any number of times at once.

    Certificates are verified against those that the system trusts. OpenSSL's variables
    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` replace them.
    """

    def __init__(self, lookup: Lookup = look_up) -> None:
        self._lookup = lookup
        self._tls = ssl.create_default_context()

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Outcome:
        """
        Send a JSON document, and return what that led to. No error is raised for a receiver.

        :param headers: additional headers, such as the signature
        """
        started = monotonic()
        response = _Response()
        error = ""
        try:
            async with asyncio.timeout(SECONDS):
                await self._exchange(target, headers, body, response)
        except TimeoutError:
            error = f"There was no response within {SECONDS} seconds."
        except Refused as refused:
            error = str(refused)
        except FAILURES as failed:
            error = in_words(failed)
        return Outcome(
            response.status,
            round((monotonic() - started) * 1000),
            # A response that has begun counts, even if its body never ends.
            "" if response.status is not None else error[:LONGEST_ERROR],
            bytes(response.excerpt).decode("utf-8", "replace").replace("\0", "\ufffd"),
            response.retry_after,
        )

    async def _exchange(
        self, target: Target, headers: Mapping[str, str], body: bytes, response: "_Response"
    ) -> None:
        url = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.path
        )
        all_headers = {
            "Host": _authority(target),
            "User-Agent": USER_AGENT,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **headers,
        }
        backend = _CheckedBackend(target, self._lookup)
        async with (
            httpcore.AsyncConnectionPool(self._tls, network_backend=backend) as connections,
            connections.stream(
                "POST", url, headers=list(all_headers.items()), content=body
            ) as received,
        ):
            response.status = received.status
            response.retry_after = _header(received.headers, b"retry-after")
            async for piece in received.aiter_stream():
                response.excerpt += piece[: EXCERPT - len(response.excerpt)]
                if len(response.excerpt) == EXCERPT:
                    return


class _Response:
    """What has been received so far."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.retry_after: str | None = None
        self.excerpt = bytearray()


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the host of a target, at an address that was looked up and checked here."""

    def __init__(self, target: Target, lookup: Lookup) -> None:
        self._target, self._lookup = target, lookup
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        # Without `host`, which is that of the target: nothing else is ever connected to.
        addresses = await asyncio.get_running_loop().run_in_executor(
            lookup_threads, self._lookup, self._target.host, self._target.port
        )
        require_public(self._target, addresses)
        failed: Exception = httpcore.ConnectError("The host has no address.")
        for address in addresses:
            try:
                stream = await self._network.connect_tcp(
                    address, self._target.port, CONNECT_SECONDS, local_address, socket_options
                )
                return _BoundedStream(stream)
            except (httpcore.NetworkError, httpcore.TimeoutException) as error:
                failed = error
        raise failed

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class _BoundedStream(httpcore.AsyncNetworkStream):
    """A connection that reads at most ``LARGEST_RESPONSE`` bytes, before or after TLS."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream, self._left = stream, LARGEST_RESPONSE

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not self._left:
            raise httpcore.ReadError(f"The head is larger than {LARGEST_RESPONSE} bytes.")
        data = await self._stream.read(min(max_bytes, self._left), timeout)
        self._left -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _BoundedStream(stream)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _authority(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == PORTS[target.scheme] else f"{host}:{target.port}"


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    for each, value in headers:
        if each.lower() == name:
            return value.decode("latin-1")
    return None
