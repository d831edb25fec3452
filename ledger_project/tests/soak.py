"""
Kill a live service repeatedly under load, and check the result of every operation.

`make soak` runs for 30 minutes on each database, and `make soak SECONDS=60` for one minute. The
exit status is 1 if there is a violation. The printed seed repeats the operations and the order of
the kills. ``test_kill_run.py`` is a short run of the same.
"""

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

import django
from tqdm import tqdm

DATABASES = ("sqlite", "postgresql")
# At least 20 kills in 60 s, as in CI.
SECONDS_PER_KILL = 3

os.environ["DJANGO_SETTINGS_MODULE"] = "ledger_project.test_settings"
django.setup()

from ledger_project.tests.kill_run import KillRun, Report  # noqa: E402 -- they need the settings
from ledger_project.tests.kill_victims import running  # noqa: E402


def soak(database: str, seconds: int, seed: int) -> Report:
    """Run on one database, with a progress bar if this is a terminal."""
    with (
        tempfile.TemporaryDirectory(prefix="ledger-soak-") as folder,
        running(database, Path(folder), seed) as service,
        tqdm(desc=database, total=seconds, unit=" s", disable=None) as bar,
    ):

        def show(elapsed: float, kills: int) -> None:
            bar.update(min(seconds, int(elapsed)) - bar.n)
            bar.set_postfix(kills=kills)

        kills = seconds // SECONDS_PER_KILL
        return KillRun(service, seconds=seconds, kills=kills, seed=seed)(show)


def main() -> int:
    """Run on one database after the other, and print the reports."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seconds", type=int, help="instead of --minutes")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--database", action="append", choices=DATABASES, help="(default: both)")
    options = parser.parse_args()
    seconds = options.seconds or int(options.minutes * 60)
    violations = 0
    for database in options.database or DATABASES:
        print(f"{database}, {seconds} s, seed {options.seed}", flush=True)
        report = soak(database, seconds, options.seed)
        print(report, end="\n\n", flush=True)
        violations += report.violations.total()
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
