"""Measure the speed figures in `docs/`, and report whether the targets are met."""

import argparse
import os
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import chart, report, several
from benchmarks.figures import FIGURES
from benchmarks.ledger import Shape
from benchmarks.load import BenchmarkError
from benchmarks.run import POSTGRES, Options, Run
from benchmarks.workloads import FULL, QUICK
from tools.with_postgres import postgres

HERE = Path(__file__).parent


def figure_ids(text: str) -> set[str]:
    wanted = set(text.upper().split(","))
    unknown = wanted - {figure.id for figure in FIGURES}
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no figure {', '.join(sorted(unknown))}")
    return wanted


def server_shape(text: str) -> Shape:
    workers, _, threads = text.partition("x")
    if not (workers.isdecimal() and threads.isdecimal() and int(workers) and int(threads)):
        raise argparse.ArgumentTypeError("expected WORKERSxTHREADS, such as 2x8")
    return Shape(int(workers), int(threads))


def checkout(text: str) -> Path:
    folder = Path(text).resolve()
    if not (folder / "manage.py").is_file():
        raise argparse.ArgumentTypeError(f"{folder} has no manage.py")
    return folder


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a test run of less than four minutes, on small ledgers",
    )
    parser.add_argument("--only", type=figure_ids, default=set(), metavar="S1,S3")
    parser.add_argument(
        "--server",
        type=server_shape,
        default=Shape(),
        metavar="WORKERSxTHREADS",
        help="the size of each server (default: %(default)s)",
    )
    parser.add_argument(
        "--before",
        type=checkout,
        metavar="FOLDER",
        help="a checkout of another version, whose latency S8 compares",
    )
    parser.add_argument(
        "--ledgers",
        action="store_true",
        help="only measure what it costs that a service has several ledgers",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="the folder for RESULTS.md and results.png (a complete run uses benchmarks/)",
    )
    return parser.parse_args()


def _several(settings: several.Settings) -> int:
    try:
        outcomes, measurements = several.measure(settings)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{report.table(outcomes)}\n{report.rates(measurements)}")
    return 0


def main() -> int:
    options = arguments()
    # Raised as exceptions, so that servers and databases are removed.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    started_at, load_before = datetime.now(UTC), os.getloadavg()[0]
    output = options.output or (None if options.quick or options.only else HERE)
    scale = QUICK if options.quick else FULL
    if options.ledgers:
        return _several(several.Settings(scale, options.server))
    what = Options(scale, options.only, options.server, options.before)
    try:
        with postgres(**POSTGRES) as cluster, tempfile.TemporaryDirectory() as folder:
            run = Run(cluster, Path(folder), what)
            run.measure()
            outcomes = run.outcomes()
            print(f"\n{report.table(outcomes)}\n{report.rates(run.measurements)}", flush=True)
            # After the table, so that a failure doesn't lose what took most of an hour.
            run.verify()
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if output:
        output.mkdir(parents=True, exist_ok=True)
        (output / "RESULTS.md").write_text(report.page(run, started_at, load_before))
        chart.draw(outcomes, output / "results.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
