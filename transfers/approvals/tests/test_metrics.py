"""The metrics of approvals show how many requests wait, and for how long."""

from datetime import timedelta

import pytest

from transfers import clock
from transfers.approvals.services import approve, decline

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(client):
    """Return a function that returns the number and the age of the requests that wait."""

    def read() -> tuple[float, float]:
        lines = dict(
            line.rsplit(" ", 1)
            for line in client.get("/metrics").text.splitlines()
            if line.startswith("ledger_approvals_")
        )
        return (
            float(lines["ledger_approvals_pending"]),
            float(lines["ledger_approvals_oldest_pending_seconds"]),
        )

    return read


def test_nothing_waits_at_first(waiting):
    assert waiting() == (0, 0)


def test_requests_wait_until_they_are_decided(waiting, threshold, ask, checker):
    begin = clock.now()
    with clock.at(begin - timedelta(hours=2)):
        first = ask()
    with clock.at(begin - timedelta(hours=1)):
        second = ask("DEPOSIT")

    with clock.at(begin):
        both = waiting()
        approve(approval_id=first.pk, actor=checker, note="")
        one = waiting()
        decline(approval_id=second.pk, actor=checker, reason="Unknown")
        none = waiting()

    assert (both, one, none) == ((2, 7200), (1, 3600), (0, 0))
