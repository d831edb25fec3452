"""How names of owners are compared."""

from unicodedata import normalize


def folded(name: str) -> str:
    """
    Return what is equal for names that differ in case only, or in how an accent is encoded.

    This is Unicode's canonical caseless matching (section 3.13, D145), composed again, so that a
    part of a name that ends in a letter doesn't match that letter with an accent.
    """
    return normalize("NFC", normalize("NFD", name).casefold())
