"""The syntax of idempotency keys, which may be in quotation marks."""

import re

LONGEST_KEY = 255

# Visible ASCII except the comma, because servers join repeated headers with a comma. In quotation
# marks, a key is a string of RFC 8941, as in the IETF draft, but without escaped characters.
_UNQUOTED = rf"[!#-+\--~][!-+\--~]{{0,{LONGEST_KEY - 1}}}"
_QUOTED = rf'"[!#-+\--\[\]-~]{{1,{LONGEST_KEY}}}"'
# Also used in the OpenAPI document, so it must be a valid regular expression of JSON Schema.
PATTERN = f"^(?:{_UNQUOTED}|{_QUOTED})$"
KEY = re.compile(PATTERN)


def read_key(text: str) -> str | None:
    """
    Return the key without quotation marks, or None if it is invalid.

    Text that begins with a quotation mark must be a complete quoted string without parameters.

    Used for the header of requests and the path of the look-up, so that clients find a response by
    the same text that they sent.
    """
    if not KEY.fullmatch(text):
        return None
    return text[1:-1] if text.startswith('"') else text
