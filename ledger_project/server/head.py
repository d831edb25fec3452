"""Check the head of a request, and build the WSGI environment from it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper

from django.utils.http import parse_header_parameters

from api.errors import ApiError
from api.exceptions import (
    LARGEST_BODY,
    LengthRequired,
    MalformedRequest,
    NotFound,
    PayloadTooLarge,
)
from api.negotiation import preferred
from api.routes import largest_body
from ledger_project.server.forwarded import TrustedProxies
from ledger_project.server.target import has_encoded_slash

# Headers that must not be repeated: a proxy may use the first value where we use the last (RFC 9110
# §5.3). The values of a repeated Idempotency-Key are joined by a comma, and the middleware for
# idempotency refuses the result.
ONCE = {
    *("authorization", "content-length", "content-type", "host", "transfer-encoding"),
    "x-forwarded-proto",
}
# All headers that the service reads. WSGI can't tell `idempotency_key` from `idempotency-key`.
READ = {
    *ONCE,
    *("accept", "accept-encoding", "cookie", "expect", "idempotency-key", "origin", "range"),
    *("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"),
    *("referer", "x-csrftoken", "x-forwarded-for", "x-request-id"),
}
# What may surround a value (RFC 9110 §5.6.3). Other characters that Python counts as space belong
# to the value: a key that ends with a no-break space isn't the key without it.
OWS = " \t"
# Methods whose requests must state the length of their body. Without a length the body would be
# taken as empty, and a capture with an empty body captures the whole hold.
WITH_CONTENT = ("POST", "PUT", "PATCH")
# The media types of a statement. CSV may take minutes.
STATEMENT_TYPES = ("application/json", "text/csv")
LONGEST_ACCEPT = 500
# Parsing one takes time that grows with the square of its length.
LONGEST_CONTENT_TYPE = 500


@dataclass(frozen=True)
class Head:
    """The request line and the headers, by lower-case name."""

    method: str
    path: str
    query: str
    version: str
    headers: dict[str, str]
    # The names of headers that were sent more than once. Their values are joined.
    repeated: frozenset[str]

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> Self:
        """Return the head of the request with this ASGI scope."""
        joined: dict[str, str] = {}
        repeated = set()
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1").strip(OWS)
            if name in joined:
                repeated.add(name)
                value = f"{joined[name]}{'; ' if name == 'cookie' else ','}{value}"
            joined[name] = value
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        return cls(scope["method"], path, query, scope["http_version"], joined, frozenset(repeated))


def refusal(head: Head) -> ApiError | None:
    """Return the error with which the request is refused before its body is read, or None."""
    for name in head.headers:
        if "_" in name and name.replace("_", "-") in READ:
            return MalformedRequest(
                f"Write the header {name.replace('_', '-')} with a hyphen, not an underscore."
            )
    for name in head.repeated & ONCE:
        return MalformedRequest(f"Send the header {name} only once.")
    if head.version not in ("1.0", "1.1"):
        return MalformedRequest("Only HTTP/1.0 and HTTP/1.1 are supported.")
    if head.version == "1.1" and "host" not in head.headers:
        return MalformedRequest("Send a Host header.")
    return _refusal_of_framing(head) or _refusal_of_path(head)


def _refusal_of_framing(head: Head) -> ApiError | None:
    coding, length = head.headers.get("transfer-encoding"), head.headers.get("content-length")
    if coding is not None:
        if length is not None:
            return MalformedRequest("Send either Content-Length or Transfer-Encoding, not both.")
        if coding.lower() != "chunked" or head.version == "1.0":
            return MalformedRequest("The only supported Transfer-Encoding is chunked, in HTTP/1.1.")
        return None
    if length is None:
        return LengthRequired() if head.method in WITH_CONTENT else None
    return too_large(_decoded(head.path), int(length))


def too_large(path: str, size: int) -> PayloadTooLarge | None:
    """Return the error if a request for this path may not have a body of this size, or None."""
    if size <= LARGEST_BODY:
        return None
    limit = largest_body(path)
    return PayloadTooLarge(limit) if size > limit else None


def _decoded(path: str) -> str:
    return unquote_to_bytes(path).decode("latin-1")


def _refusal_of_path(head: Head) -> ApiError | None:
    # An encoded slash doesn't separate segments (RFC 3986 §2.2), but Django decodes the path and
    # can't tell the two apart.
    return NotFound() if has_encoded_slash(head.path) else None


def environ(head: Head, scope: Mapping[str, Any], proxies: TrustedProxies) -> dict[str, Any]:
    """Return the WSGI environment (PEP 3333) of a request, without its body."""
    # There is no address if the client has already disconnected.
    peer, _ = scope["client"] or ("", 0)
    name, port = scope["server"]
    scheme = head.headers.get("x-forwarded-proto") if peer in proxies else None
    variables: dict[str, Any] = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _decoded(head.path),
        "QUERY_STRING": head.query,
        "SERVER_NAME": name,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{head.version}",
        "REMOTE_ADDR": proxies.client(peer, head.headers.get("x-forwarded-for", "")),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme if scheme in ("http", "https") else "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    for header, value in head.headers.items():
        if key := _key(header):
            variables[key] = value
    if not _is_readable(head.headers.get("content-type", "")):
        # Django would raise before it can respond. Without the header, a body is refused with 415.
        del variables["CONTENT_TYPE"]
    return variables


def _is_readable(media_type: str) -> bool:
    if len(media_type) > LONGEST_CONTENT_TYPE:
        return False
    try:
        parse_header_parameters(media_type)
    except ValueError:
        # A parameter names an unknown charset (RFC 8187).
        return False
    return True


def asks_for_export(variables: Mapping[str, Any]) -> bool:
    """Return whether the response to a request may be a statement as CSV."""
    if variables["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return False
    if "/statement" not in variables["PATH_INFO"]:
        return False
    accept = variables.get("HTTP_ACCEPT", "*/*")
    # Parsing a long header would block the event loop for too long.
    return len(accept) > LONGEST_ACCEPT or _prefers_csv(accept)


@lru_cache(1024)
def _prefers_csv(accept: str) -> bool:
    return preferred(accept, STATEMENT_TYPES) != STATEMENT_TYPES[0]


@lru_cache(1024)
def _key(name: str) -> str | None:
    if "_" in name or name in ("content-length", "transfer-encoding"):
        # WSGI would take an underscore for a hyphen. The two headers about the body don't apply any
        # more, because it has been read.
        return None
    key = name.upper().replace("-", "_")
    return key if key == "CONTENT_TYPE" else f"HTTP_{key}"
