"""The target of a request: what its first line asks for (RFC 9112 §3.2)."""

import re
from urllib.parse import unquote_to_bytes

import httptools

from api.errors import ApiError
from ledger_project.server.exceptions import MalformedRequest

BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# What follows is one value, in which a slash is percent-encoded like any other character.
ANY_TEXT = "/idempotency-keys/"


def refusal_of_target(target: bytes) -> ApiError | None:
    """
    Return why a target can't be read with certainty; None if it can.

    :raises httptools.HttpParserInvalidURLError: if it is neither a path nor a URL
    """
    if b"#" in target:
        return MalformedRequest("A fragment is never sent. Leave out the # and what follows it.")
    if BROKEN_ESCAPE.search(target):
        return MalformedRequest("A % in the target must begin an escape of two hexadecimal digits.")
    try:
        unquote_to_bytes(target).decode()
    except UnicodeDecodeError:
        return MalformedRequest("The target must be UTF-8, percent-encoded.")
    if not target.startswith(b"/"):
        url = httptools.parse_url(target)
        if url.schema and url.schema.lower() not in (b"http", b"https"):
            return MalformedRequest("The target's scheme must be http or https.")
        if url.userinfo:
            # It is read in different ways (RFC 9110 §4.2.4).
            return MalformedRequest("The target must not name a user.")
    return None


def has_encoded_slash(path: str) -> bool:
    """Return whether a path means another one than it would seem to once it is decoded."""
    return "%2f" in path.lower() and not path.startswith(ANY_TEXT)
