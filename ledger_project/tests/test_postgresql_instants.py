"""Timestamps of PostgreSQL are read correctly."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from psycopg.pq import Format

from database.postgresql.base import InstantLoader

pytestmark = pytest.mark.django_db

TIMESTAMPTZ_OID = 1184

INSTANTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 6, 15, 12, 30, 45, tzinfo=UTC),
    datetime(2026, 6, 15, 12, 30, 45, 1, tzinfo=UTC),
    datetime(2026, 6, 15, 12, 30, 45, 120_000, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


def read_back(instant: datetime) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [instant])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("instant", INSTANTS, ids=str)
def test_an_instant_is_read_as_written_in_utc(instant):
    found = read_back(instant)

    assert found == instant
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Europe/Berlin"])
def test_a_session_in_another_time_zone_reads_the_same_instant(zone):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])

    assert [read_back(instant) for instant in INSTANTS[1:-1]] == INSTANTS[1:-1]


def test_a_null_instant_is_read_as_none():
    with connection.cursor() as cursor:
        cursor.execute("SELECT NULL::timestamptz")
        assert cursor.fetchone() == (None,)


def test_instants_are_read_by_the_loader_of_the_ledger():
    with connection.cursor() as cursor:
        loader = cursor.adapters.get_loader(TIMESTAMPTZ_OID, Format.TEXT)

    assert loader is InstantLoader
