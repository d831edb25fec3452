"""
The cursors of the event log: where a reader continues.

A cursor never ends, and doesn't depend on filters: a reader may change them and go on.
"""

from django.core import signing

from api.exceptions import InvalidCursor
from events.order import Position


def cursor_of(position: Position) -> str:
    """Return the cursor that continues after a place in the log."""
    return _signer().sign_object(list(position))


def position_of(cursor: str) -> Position:
    """
    Return the place in the log that a cursor continues after.

    :raises InvalidCursor: if it isn't a cursor of the event log, or was changed
    """
    try:
        transaction, number = _signer().unsign_object(cursor)
    except (signing.BadSignature, ValueError) as error:
        raise InvalidCursor() from error
    return Position(transaction, number)


def _signer() -> signing.Signer:
    return signing.Signer(salt="ledger.events", sep=".")
