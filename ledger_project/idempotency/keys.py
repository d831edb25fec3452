"""How a key is written: as it is, or in quotation marks."""

import re

# Visible ASCII without the comma, with which a server joins a header that was sent twice.
PLAIN = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,255}")
# A string of RFC 8941, as the IETF draft has it. A key that needs escaping is refused.
QUOTED = re.compile(r'"([^"\\]*)"')


def read_key(text: str) -> str | None:
    """
    Return the key that ``text`` is, or None if it is none: ``"abc"`` in quotes is the key abc.

    What begins with a quotation mark has to be one whole quoted string, without parameters.

    For the header of a request and for the path of the look-up alike, so that a client finds its
    answer under the key as it sent it.
    """
    if text.startswith('"'):
        quoted = QUOTED.fullmatch(text)
        text = quoted[1] if quoted else ""
    return text if PLAIN.fullmatch(text) else None
