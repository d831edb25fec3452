"""
The cursors of the event log: where a reader continues.

A cursor never ends, and doesn't depend on filters: a reader may change them and go on.

Cursors are encrypted, because a place in the log tells how much happens in the whole ledger. Each
is different, so that comparing those of two empty pages doesn't tell whether others were active in
between.
"""

import re
import struct

from cryptography.fernet import Fernet, InvalidToken

from api.exceptions import InvalidCursor
from database.switching import current_ledger
from events.ciphers import cipher_for
from events.order import Position

PURPOSE = "ledger.events.cursors"
# The two numbers of a place. All cursors have the same length.
PLACE = struct.Struct(">qq")
# Fernet's Base64 ends in one `=`, which is left out, because it would be escaped in a query.
PADDING = "="
REFUSED = "Invalid cursor: continue after the last `next_cursor` that you stored."
CURSOR = re.compile(r"[A-Za-z0-9_-]{119}")


def cursor_of(position: Position) -> str:
    """Return the cursor that continues after a place in the log."""
    encrypted = _cipher().encrypt(PLACE.pack(*position))
    return encrypted.decode().removesuffix(PADDING)


def position_of(cursor: str) -> Position:
    """
    Return the place in the log that a cursor continues after.

    :raises InvalidCursor: if it isn't a cursor of the event log, or was changed
    """
    if not CURSOR.fullmatch(cursor):
        raise InvalidCursor(REFUSED)
    try:
        place = _cipher().decrypt(cursor + PADDING)
    except InvalidToken as error:
        raise InvalidCursor(REFUSED) from error
    return Position(*PLACE.unpack(place))


def _cipher() -> Fernet:
    # A cursor of one ledger can't be read in another one.
    return cipher_for(PURPOSE + (current_ledger() or ""))
