"""
Run the whole suite on SQLite and on PostgreSQL: ``python -m tools.run_tests``.

Tests often wait for a process or a timeout, so each database has two runs at a time, of half the
suite each. Arguments are passed to pytest. Each run's output is printed when it ends. Until then, a
line per minute tells how far they are. The exit status is 1 if a run failed.

Coverage is measured on SQLite only, because measuring takes long (see ``MEASURED_CASES``). The
modules that only PostgreSQL uses are left out of the report.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

LOGS = Path(".venv")
URL = "LEDGER_TEST_DATABASE_URL"
PYTEST = (sys.executable, "-m", "pytest", "--durations=10")
# Tests of the service take about as long as all others.
HALVES = {"service": ("ledger_project/tests",), "parts": ("--ignore=ledger_project/tests",)}
SHOW_SECONDS = 60


class Run(NamedTuple):
    """A process that runs a part of the suite on one database, and the file of its output."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def percent(self) -> str:
        """Return how much of it has run."""
        return (re.findall(r"\[ *(\d+%)\]", self.log.read_text()) or ["0%"])[-1]


def start(name: str, command: tuple[str, ...], **environment: str | None) -> Run:
    """Start a run whose environment has these variables, and lacks those that are None."""
    env = {key: value for key, value in {**os.environ, **environment}.items() if value is not None}
    log = LOGS / f"tests-{name.replace(' ', '-').lower()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=env)
    return Run(name, log, process)


def start_all(options: list[str]) -> list[Run]:
    """Start all runs."""
    runs = []
    # Runs on a server that already exists would use the same database.
    for half, paths in {"all": ()}.items() if URL in os.environ else HALVES.items():
        command = (sys.executable, "tools/with_postgres.py", *PYTEST, *paths, *options)
        runs.append(start(f"PostgreSQL {half}", command))
    for half, paths in HALVES.items():
        command = (*PYTEST, "--cov", "--cov-report=", "--cov-fail-under=0", *paths, *options)
        file = str(Path(f"test-{half}.db").resolve())
        own = {"TEST_DB": file, "COVERAGE_FILE": f".coverage.{half}", URL: None}
        runs.append(start(f"SQLite {half}", command, **own))
    return runs


def wait_for_all(runs: list[Run]) -> bool:
    """Print the output of each run when it ends. Return whether all have succeeded."""
    failed = False
    shown = time.monotonic()
    while runs:
        for run in [each for each in runs if each.process.poll() is not None]:
            runs.remove(run)
            failed |= run.process.returncode != 0
            print(f"▸ pytest {run.name}\n{run.log.read_text()}", flush=True)
        if runs and time.monotonic() >= shown + SHOW_SECONDS:
            shown = time.monotonic()
            print("  ".join(f"{run.name} {run.percent()}" for run in runs), flush=True)
        time.sleep(0.2)
    return not failed


def main() -> int:
    """Run everything, and return the exit status."""
    # Raises SystemExit, so that the runs are stopped too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    runs = start_all(sys.argv[1:])
    print(f"▸ pytest side by side: {', '.join(run.name for run in runs)}", flush=True)
    try:
        return 0 if wait_for_all(runs) else 1
    except KeyboardInterrupt:
        return 130
    finally:
        for run in runs:
            run.process.send_signal(signal.SIGINT)
        for run in runs:
            run.process.wait()


if __name__ == "__main__":
    sys.exit(main())
