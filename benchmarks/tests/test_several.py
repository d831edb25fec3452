"""The load on several ledgers."""

import pytest

from benchmarks.several import in_turn

pytestmark = pytest.mark.one_database


def test_requests_go_to_the_ledgers_in_turn_and_their_users_are_numbered_on():
    north = [(0, "/transfers", "", {"amount": 1}), (1, "/transfers", "", {"amount": 2})]
    south = [(0, "/transfers", "", {"amount": 3}), (2, "/transfers", "", {"amount": 4})]
    assert list(in_turn([2, 3], [north, south])) == [
        (0, "/transfers", "", {"amount": 1}),
        (2, "/transfers", "", {"amount": 3}),
        (1, "/transfers", "", {"amount": 2}),
        (4, "/transfers", "", {"amount": 4}),
    ]
