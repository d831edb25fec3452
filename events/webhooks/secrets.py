"""
Encrypt the secrets of webhooks in the database.

A secret can't be stored as a digest, because it signs. It is encrypted with a key that is derived
from ``LEDGER_SECRET_KEY``, so a copy of the database alone reveals no secret.
"""

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class UnreadableSecret(Exception):
    """A secret was encrypted with another ``LEDGER_SECRET_KEY``."""


def encrypted(secret: str) -> str:
    """Return a secret as it is stored."""
    return _cipher(settings.SECRET_KEY).encrypt(secret.encode()).decode()


def decrypted(stored: str) -> str:
    """
    Return a stored secret.

    :raises UnreadableSecret: if ``LEDGER_SECRET_KEY`` was changed since it was stored
    """
    try:
        return _cipher(settings.SECRET_KEY).decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise UnreadableSecret() from error


@cache
def _cipher(secret_key: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"ledger.webhooks").derive(
        secret_key.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))
