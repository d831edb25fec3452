"""Check the request target, which is the path or URL in the request line (RFC 9112 §3.2)."""

import re
from urllib.parse import unquote_to_bytes

import httptools

from api.errors import ApiError
from api.exceptions import MalformedRequest

BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# After this prefix comes a single value, which may contain an encoded slash.
ANY_TEXT = "/idempotency-keys/"


def refusal_of_target(target: bytes) -> ApiError | None:
    """
    Return the error with which an ambiguous target is refused, or None.

    :raises httptools.HttpParserInvalidURLError: if the target is neither a path nor a URL
    """
    if b"#" in target:
        return MalformedRequest(
            "The target must not contain a fragment. Remove the # and what follows it."
        )
    if BROKEN_ESCAPE.search(target):
        return MalformedRequest("Each % in the target must be followed by two hexadecimal digits.")
    try:
        unquote_to_bytes(target).decode()
    except UnicodeDecodeError:
        return MalformedRequest("The target must be percent-encoded UTF-8.")
    if not target.startswith(b"/"):
        url = httptools.parse_url(target)
        if url.schema and url.schema.lower() not in (b"http", b"https"):
            return MalformedRequest("The scheme of the target must be http or https.")
        if url.userinfo:
            # Servers and proxies interpret it differently (RFC 9110 §4.2.4).
            return MalformedRequest("The target must not contain a user name or password.")
    return None


def has_encoded_slash(path: str) -> bool:
    """Return whether decoding the path would turn an encoded slash into a separator."""
    return "%2f" in path.lower() and not path.startswith(ANY_TEXT)
