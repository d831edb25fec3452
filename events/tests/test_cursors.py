"""The cursors of the event log."""

import pytest
from django.core import signing

from api.exceptions import InvalidCursor
from events.cursors import cursor_of, position_of
from events.order import START, Position

pytestmark = pytest.mark.one_database

LATER = Position(2**62, 2**62)


@pytest.mark.parametrize("position", [START, Position(0, 1), LATER])
def test_a_cursor_stands_for_a_place_in_the_log(position):
    assert position_of(cursor_of(position)) == position


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        ".",
        "a",
        cursor_of(LATER)[:-1],
        "A" + cursor_of(LATER)[1:],
        cursor_of(LATER).partition(".")[0],
        signing.Signer(salt="ledger.cursor", sep=".").sign_object([1, 1]),
        signing.Signer(salt="ledger.events", sep=".").sign_object([1]),
    ],
)
def test_any_other_text_is_refused(cursor):
    with pytest.raises(InvalidCursor):
        position_of(cursor)
