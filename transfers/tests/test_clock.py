"""The ledger's clock and its UUIDs."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from django.utils import timezone

from transfers import clock

NOON = datetime(2026, 1, 31, 12, 0, 0, 999_999, tzinfo=UTC)


def milliseconds(id_):
    return id_.int >> 80


def test_an_id_begins_with_its_time():
    made = next(clock.ids_at(NOON))

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert milliseconds(made) == int(NOON.timestamp() * 1000)


def test_ids_of_one_instant_are_in_the_order_of_generation():
    made = list(islice(clock.ids_at(NOON), 5_000)) + list(islice(clock.ids_at(NOON), 5_000))

    assert made == sorted(set(made))


def test_ids_are_ordered_by_microsecond():
    instants = [NOON + timedelta(microseconds=number) for number in range(2_000)]

    made = [next(clock.ids_at(instant)) for instant in instants]

    assert made == sorted(set(made))


@pytest.mark.django_db
def test_the_clock_can_be_set_for_a_block():
    with clock.at(NOON):
        readings = clock.now(), clock.reading(NOON - timedelta(days=1))

    assert readings == (NOON, NOON)
    assert clock.reading(NOON) == NOON
    assert abs(clock.now() - timezone.now()) < timedelta(minutes=1)
