"""The cursors of the event log."""

import base64

import pytest

from api.exceptions import InvalidCursor
from events.ciphers import cipher_for
from events.cursors import PLACE, PURPOSE, cursor_of, position_of
from events.order import START, Position

pytestmark = pytest.mark.one_database

LATER = Position(2**62, 2**63 - 1)


@pytest.mark.parametrize("position", [START, Position(0, 1), LATER])
def test_a_cursor_stands_for_a_place_in_the_log(position):
    assert position_of(cursor_of(position)) == position


def test_a_cursor_tells_nothing_about_its_place():
    cursors = [cursor_of(place) for place in (LATER, LATER, START)]

    assert len(set(cursors)) == len(cursors)
    assert {len(cursor) for cursor in cursors} == {119}
    assert PLACE.pack(*LATER) not in base64.urlsafe_b64decode(cursors[0] + "=")


def swapped(cursor: str, place: int) -> str:
    other = "A" if cursor[place] != "A" else "B"
    return cursor[:place] + other + cursor[place + 1 :]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        ".",
        "a",
        cursor_of(LATER)[:-1],
        cursor_of(LATER) + "=",
        *(swapped(cursor_of(LATER), place) for place in (0, 40, 117)),
        cipher_for("ledger.webhooks").encrypt(PLACE.pack(*LATER)).decode()[:-1],
        cipher_for(PURPOSE).encrypt(b"[1]").decode(),
        "\ud800" * 119,
    ],
)
def test_any_other_text_is_refused(cursor):
    with pytest.raises(InvalidCursor):
        position_of(cursor)
