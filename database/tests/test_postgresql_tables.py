"""Rows that are sent to PostgreSQL arrive as they were sent, however many they are."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from database.tables import FEW, MANY, Table, new, parameters
from transfers.models import Transfer

pytestmark = pytest.mark.django_db

# A UUID, a text, a number, a JSON object and a time, of which three may be missing.
COLUMNS = ("id", "memo", "amount", "metadata", "created_at", "expires_at", "hold_sequence")
TABLE = Table(Transfer, COLUMNS)

# All characters that PostgreSQL can store.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
INSTANTS = st.datetimes(timezones=st.just(UTC))
NUMBERS = st.integers(-(2**63), 2**63 - 1)
ROWS = st.tuples(
    st.uuids(),
    st.none() | TEXTS,
    NUMBERS,
    st.dictionaries(TEXTS, TEXTS),
    INSTANTS,
    st.none() | INSTANTS,
    st.none() | NUMBERS,
)


def received(rows):
    """Return rows as PostgreSQL received them, without storing them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {new(TABLE, min(len(rows), MANY))}", parameters(rows))
        fetched = cursor.fetchall()
    place = COLUMNS.index("metadata")
    return [(*row[:place], json.loads(row[place]), *row[place + 1 :]) for row in fetched]


@given(st.lists(ROWS, min_size=1, max_size=10))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_arrive_as_they_were_sent(rows):
    assert received(rows) == rows


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize("count", [1, FEW, MANY, 100])
@pytest.mark.parametrize(
    ("text", "arrives"),
    [
        ("", ""),
        ("NULL", "NULL"),
        ("null", "null"),
        (None, None),
        (" spaces ", " spaces "),
        ("{a,b}", "{a,b}"),
        (
            '"quoted", with \\backslash\\ and \\"both\\"',
            '"quoted", with \\backslash\\ and \\"both\\"',
        ),
        ("two\nlines\tand\r\x01\x7f", "two\nlines\tand\r\x01\x7f"),
        ("Zoë 😀 $1 %s %% '", "Zoë 😀 $1 %s %% '"),
        (Colour.RED, "red"),
    ],
)
def test_a_text_arrives_as_it_was_sent(count, text, arrives):
    id = uuid7()
    now = datetime(2026, 11, 27, 12, 30, 45, 1, tzinfo=UTC)
    row = (id, text, 1, {"reason": text or ""}, now, None, None)
    same = (UUID(str(id)), arrives, 1, {"reason": arrives or ""}, now, None, None)

    assert received([row] * count) == [same] * count
