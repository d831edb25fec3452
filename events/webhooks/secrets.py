"""
Encrypt the secrets of webhooks in the database.

A secret can't be stored as a digest, because it signs. It is encrypted with a key that is derived
from ``LEDGER_SECRET_KEY``, so a copy of the database alone reveals no secret.
"""

from cryptography.fernet import InvalidToken

from events.ciphers import cipher_for

PURPOSE = "ledger.webhooks"


class UnreadableSecret(Exception):
    """A secret was encrypted with another ``LEDGER_SECRET_KEY``."""


def encrypted(secret: str) -> str:
    """Return a secret as it is stored."""
    return cipher_for(PURPOSE).encrypt(secret.encode()).decode()


def decrypted(stored: str) -> str:
    """
    Return a stored secret.

    :raises UnreadableSecret: if ``LEDGER_SECRET_KEY`` was changed since it was stored
    """
    try:
        return cipher_for(PURPOSE).decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise UnreadableSecret() from error
