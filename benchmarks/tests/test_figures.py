"""The values of the figures, and their targets."""

import pytest

from benchmarks import peer
from benchmarks.ceiling import CEILINGS
from benchmarks.figures import FIGURES, Figure, Outcome
from benchmarks.load import Measurement
from benchmarks.workloads import WORKLOADS

pytestmark = pytest.mark.one_database

SLOW = Measurement(100, 2.0, generator=0.1, p50_ms=30.0, worth=1, cpu_ms=6.0)
FAST = Measurement(300, 2.0, generator=0.1, p50_ms=20.0, worth=2, cpu_ms=4.0)
MEASUREMENTS = {"slow": [SLOW, SLOW], "fast": [FAST, SLOW]}


def test_a_rate_counts_what_a_request_is_worth():
    assert (SLOW.rate, FAST.rate) == (50.0, 300.0)


@pytest.mark.parametrize(("by", "expected"), [("rate", 6.0), ("cpu", 1.5), ("p50", 20 / 30)])
def test_a_figure_compares_each_round_by_rate_processor_time_or_latency(by, expected):
    outcome = Figure("S1", "Fast", "fast", "slow", by).outcome(MEASUREMENTS)

    assert outcome.values == [expected, 1.0]


def test_the_median_decides_whether_a_target_is_met():
    assert Outcome("S1", "Share", [0.1, 0.5, 0.9], at_least=0.5).verdict == "met"
    assert Outcome("S1", "Share", [0.1, 0.4, 0.9], at_least=0.5).verdict == "missed"
    assert Outcome("S8", "Time", [0.5, 1.0, 2.0], at_most=1.0).verdict == "met"
    assert Outcome("S8", "Time", [0.5, 1.1, 2.0], at_most=1.0).verdict == "missed"
    assert Outcome("S8", "Time", [0.5]).verdict == ""


def test_all_that_figures_compare_can_be_measured():
    names = {name for figure in FIGURES for name in (figure.of, figure.over)}

    assert names == {*CEILINGS, *WORKLOADS, *peer.NAMES}


def test_the_figures_have_the_ids_from_s1_to_s9():
    assert sorted({figure.id for figure in FIGURES}) == [f"S{number}" for number in range(1, 10)]
