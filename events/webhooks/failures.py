"""What the owner of a webhook and staff read about a request that got no response."""

import socket
import ssl
from collections.abc import Iterator

import httpcore


def in_words(failed: BaseException) -> str:
    """Return why connecting to a receiver, or reading its response, has failed."""
    for error in _causes(failed):
        if isinstance(error, socket.gaierror):
            return "The host name can't be resolved."
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"The certificate isn't valid: {error.verify_message.rstrip('.')}."
        if isinstance(error, ssl.SSLError):
            return f"No TLS connection could be made: {error.reason or error}."
        if isinstance(error, ConnectionRefusedError):
            return "The connection was refused."
        if isinstance(error, ConnectionResetError | BrokenPipeError):
            return "The receiver closed the connection before it responded."
    if isinstance(failed, httpcore.ConnectTimeout):
        return "The connection took too long."
    if isinstance(failed, httpcore.ConnectError):
        return f"No connection could be made: {failed}"
    if isinstance(failed, httpcore.ProtocolError):
        return f"The response isn't valid HTTP: {failed}"
    return f"The response couldn't be read: {failed}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and those that have led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
