"""
Sign webhooks as the Standard Webhooks specification 1.0 defines.

Receivers verify signatures with its libraries: https://www.standardwebhooks.com
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

PREFIX = "whsec_"
# The specification allows 24 to 64.
SECRET_BYTES = 32


def new_secret() -> str:
    """Return a random secret in the form in which receivers use it: ``whsec_`` and Base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(
    message_id: str, at: datetime, body: bytes, secrets: Iterable[str]
) -> dict[str, str]:
    """
    Return the headers that identify and sign a message.

    :param message_id: the same for every attempt to deliver the message
    :param at: the time of this attempt (UTC); receivers refuse what is more than minutes old
    :param secrets: one, or two while a secret is being replaced; each makes a signature
    """
    timestamp = str(int(at.timestamp()))
    signed = b"%s.%s.%s" % (message_id.encode(), timestamp.encode(), body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
