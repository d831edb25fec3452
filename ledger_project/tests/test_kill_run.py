"""A short kill run. `make soak` runs longer ones."""

import random

from django.db import connection

from ledger_project.tests.kill_run import CLIENTS, KillRun
from ledger_project.tests.kill_victims import running

# pytest prints it if the test fails, so that the same operations and kills can be repeated.
SEED = random.SystemRandom().randrange(2**32)


def test_no_kill_loses_or_repeats_an_acknowledged_operation(tmp_path):
    with running(connection.vendor, tmp_path, SEED) as service:
        run = KillRun(service, seconds=20, kills=2 * len(service.strikes) + 4, seed=SEED)

        report = run()
        kinds = set(run.strikes)

    print(report)
    assert report.violations == {}, SEED
    assert set(report.kills) == kinds
    assert report.kills.total() >= 8
    assert report.figures["acknowledged"] >= 10 * CLIENTS
    assert report.figures["sent again"] > 0
    assert report.figures["snapshots"] > 0
    assert report.figures["events read"] > 0
    assert report.figures["messages received"] > 0
