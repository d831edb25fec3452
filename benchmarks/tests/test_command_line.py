"""The options of `python -m benchmarks`."""

import argparse
from pathlib import Path

import pytest

from benchmarks.__main__ import checkout, figure_ids, server_shape
from benchmarks.ledger import Shape
from benchmarks.processes import ROOT
from benchmarks.workloads import QUICK

pytestmark = pytest.mark.one_database


def test_a_server_has_workers_and_threads():
    assert server_shape("1x32") == Shape(workers=1, threads=32)
    assert str(Shape()) == "2x16"


@pytest.mark.parametrize("text", ["", "2", "x8", "2x", "0x8", "2x0", "2x-8", "2 x 8", "2x8x1"])
def test_another_size_of_a_server_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        server_shape(text)


def test_figures_are_chosen_by_their_ids():
    assert figure_ids("s1,S9") == {"S1", "S9"}
    with pytest.raises(argparse.ArgumentTypeError, match="there is no figure S10"):
        figure_ids("S1,S10")


def test_an_earlier_version_is_a_checkout(tmp_path):
    assert checkout(str(ROOT)) == Path(ROOT)
    with pytest.raises(argparse.ArgumentTypeError, match=r"has no manage\.py"):
        checkout(str(tmp_path))


def test_only_one_ledger_is_filled_with_holds():
    assert QUICK.seed("holds") == [
        "--accounts=1001",
        "--entries=10000",
        "--busiest=1000",
        "--holds=5000",
    ]
    assert QUICK.seed("ledger") == ["--accounts=1001", "--entries=10000", "--busiest=1000"]
