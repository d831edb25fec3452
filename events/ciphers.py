"""Encrypt with keys that are derived from ``LEDGER_SECRET_KEY``, one for each purpose."""

import base64
from functools import cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def cipher_for(purpose: str) -> Fernet:
    """Return the cipher for a purpose. What it encrypts can't be read for another purpose."""
    return _cipher(settings.SECRET_KEY, purpose)


@cache
def _cipher(secret_key: str, purpose: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=purpose.encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret_key.encode())))
