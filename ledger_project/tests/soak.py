"""
Kill a live service repeatedly under load, and check the result of every operation.

`make soak` runs for 30 minutes on both databases side by side, and `make soak SECONDS=60` for one
minute. The exit status is 1 if there is a violation. The printed seed repeats the operations and
the order of the kills. ``test_kill_run.py`` is a short run of the same.

`make soak FAILOVER=1` runs on a cluster of two PostgreSQL servers under Patroni instead, and kills
only these.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import django
from tqdm import tqdm

DATABASES = ("sqlite", "postgresql")
# At least 20 kills in 60 s, as in CI. A failover takes longer, and so does the return of the server
# that was killed.
SECONDS_PER_KILL = 3
SECONDS_PER_FAILOVER = 60

os.environ["DJANGO_SETTINGS_MODULE"] = "ledger_project.test_settings"
django.setup()

from ledger_project.tests.kill_run import KillRun, Report  # noqa: E402 -- they need the settings
from ledger_project.tests.kill_victims import PostgresService, Service  # noqa: E402
from ledger_project.tests.patroni import PatroniService  # noqa: E402

KINDS = {"sqlite": Service, "postgresql": PostgresService, "failover": PatroniService}


def soak(kind: str, seconds: int, seed: int) -> Report:
    """Run on one database, with a progress bar if this is a terminal."""
    row = list(KINDS).index(kind)  # Of the terminal.
    with (
        tempfile.TemporaryDirectory(prefix="ledger-soak-") as folder,
        closing(KINDS[kind](Path(folder), seed)) as service,
        tqdm(desc=kind, total=seconds, unit=" s", disable=None, position=row) as bar,
    ):
        service.start()

        def show(elapsed: float, kills: int) -> None:
            bar.update(min(seconds, int(elapsed)) - bar.n)
            bar.set_postfix(kills=kills)

        kills = seconds // (SECONDS_PER_FAILOVER if kind == "failover" else SECONDS_PER_KILL)
        return KillRun(service, seconds=seconds, kills=kills, seed=seed)(show)


def side_by_side(seconds: int, seed: int) -> int:
    """Run on each database in a process of its own, and print the reports one after the other."""
    command = [sys.executable, "-m", __spec__.name, "--seconds", str(seconds), "--seed", str(seed)]
    runs = [
        subprocess.Popen([*command, "--database", each], stdout=subprocess.PIPE, text=True)
        for each in DATABASES
    ]
    for run in runs:
        print(run.communicate()[0], end="", flush=True)
    return max(abs(run.returncode) for run in runs)


def main() -> int:
    """Run on one database or on both, and print the reports."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seconds", type=int, help="instead of --minutes")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--database", choices=KINDS, help="(default: sqlite and postgresql)")
    options = parser.parse_args()
    seconds = options.seconds or int(options.minutes * 60)
    if options.database is None:
        print(f"Both databases for {seconds} s, seed {options.seed}", flush=True)
        return side_by_side(seconds, options.seed)
    report = soak(options.database, seconds, options.seed)
    print(f"{options.database}, {seconds} s, seed {options.seed}\n{report}", end="\n\n")
    return 1 if report.violations.total() else 0


if __name__ == "__main__":
    sys.exit(main())
