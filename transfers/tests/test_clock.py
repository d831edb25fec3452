"""The ledger's clock, and the ids that it makes."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from transfers import clock

NOON = datetime(2026, 1, 31, 12, 0, 0, 999_999, tzinfo=UTC)


def milliseconds(id_):
    return id_.int >> 80


def test_an_id_begins_with_the_time_of_the_clock():
    with clock.at(NOON):
        made = clock.new_id()

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert milliseconds(made) == int(NOON.timestamp() * 1000)


def test_an_id_of_the_present_begins_with_the_present():
    before, made, after = timezone.now(), clock.new_id(), timezone.now()

    assert int(before.timestamp() * 1000) <= milliseconds(made) <= int(after.timestamp() * 1000)


@pytest.mark.parametrize("instant", [None, NOON, NOON - timedelta(days=3650)], ids=str)
def test_ids_keep_the_order_in_which_they_were_made(instant):
    with clock.at(instant):
        made = [clock.new_id() for _ in range(10_000)]

    assert made == sorted(set(made))
