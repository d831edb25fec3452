"""How a key is written: as it is, or in quotation marks."""

import re

LONGEST_KEY = 255

# Visible ASCII without the comma, with which a server joins a header that was sent twice. In
# quotation marks it is a string of RFC 8941, as in the IETF draft; one that needs escaping is
# refused.
_UNQUOTED = rf"[!#-+\--~][!-+\--~]{{0,{LONGEST_KEY - 1}}}"
_QUOTED = rf'"[!#-+\--\[\]-~]{{1,{LONGEST_KEY}}}"'
# The OpenAPI document has it too, so it must also be a regular expression of JSON Schema.
PATTERN = f"^(?:{_UNQUOTED}|{_QUOTED})$"
KEY = re.compile(PATTERN)


def read_key(text: str) -> str | None:
    """
    Return the key that ``text`` is, or None if it is none: ``"abc"`` in quotes is the key abc.

    What begins with a quotation mark has to be one whole quoted string, without parameters.

    For the header of a request and for the path of the look-up alike, so that a client finds its
    answer under the key as it sent it.
    """
    if not KEY.fullmatch(text):
        return None
    return text[1:-1] if text.startswith('"') else text
