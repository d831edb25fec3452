"""Measurements: their processor time, and the check of their effects."""

import os

import pytest

from benchmarks.load import BenchmarkError, Measurement
from benchmarks.subject import Subject

pytestmark = pytest.mark.one_database


def subject(*counts: int, done: int = 10, connected: int | None = None, **fields) -> Subject:
    """Return a subject whose loads have ``done`` responses, and which counts these rows."""
    numbers = iter(counts)
    connect = connected and (lambda: Measurement(connected, 0.1, generator=1.0, p50_ms=1.0))
    return Subject(
        name="transfers",
        load=lambda seconds: Measurement(done, seconds, generator=3.0, p50_ms=1.0),
        connect=connect,
        count=lambda: next(numbers),
        seconds=2,
        **{"effects": 2, "in_flight": 3, "pids": (), **fields},
    )


@pytest.mark.parametrize("added", [20, 26])
def test_requests_in_flight_at_the_end_may_have_added_rows(added):
    measured = subject(100, 100 + added).measure()

    assert (measured.done, measured.seconds) == (10, 2)


@pytest.mark.parametrize("added", [0, 19, 27])
def test_missing_or_additional_rows_fail_the_run(added):
    with pytest.raises(BenchmarkError, match=f"10 responses added {added} rows"):
        subject(100, 100 + added).measure()


def test_a_load_without_a_response_fails_the_run():
    with pytest.raises(BenchmarkError, match="no response in 2 s"):
        subject(100, 100, done=0).measure()


def test_the_processor_time_of_a_request_includes_the_generator():
    assert subject(0, 20).measure().cpu_ms == 300.0


def test_the_processor_time_counts_what_a_request_is_worth():
    measured = subject(0, 20, worth=1000).measure()

    assert measured.cpu_ms == 0.3
    assert measured.rate == 5000


def test_the_time_to_open_connections_is_subtracted_with_its_requests():
    # 3 s for 10 requests and 1 s for 5 of them: 2 s for the other 5.
    assert subject(0, 30, connected=5).measure().cpu_ms == 400.0


def test_the_processor_time_of_the_processes_is_added():
    def burn(seconds):
        before = sum(os.times()[:2])
        while sum(os.times()[:2]) < before + 0.5:
            pass
        return Measurement(1, seconds, generator=0.0, p50_ms=1.0)

    busy = Subject(
        name="busy",
        load=burn,
        count=lambda: 0,
        effects=0,
        in_flight=0,
        pids=(os.getpid(),),
        seconds=1,
    )

    # A clock tick is 10 ms.
    assert busy.measure().cpu_ms >= 480
