"""Comparing owner names."""

from unicodedata import normalize


def folded(name: str) -> str:
    """
    Return a form of ``name`` for comparisons that ignore case and how accents are encoded.

    This is Unicode's canonical caseless matching (section 3.13, D145). The result is composed
    again, so that a search for part of a name doesn't match ``e`` in ``é``.
    """
    return normalize("NFC", normalize("NFD", name).casefold())
