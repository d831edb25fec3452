"""Put load on PostgreSQL with pgbench."""

import os
import re
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.database import Database
from benchmarks.load import BenchmarkError, Measurement, timed
from tools.with_postgres import PROGRAMS

PGBENCH = Path(sysconfig.get_path("platlib")) / PROGRAMS / "pgbench"


def measure(
    database: Database,
    script: Path,
    *,
    clients: int,
    seconds: int | None,
    variables: Mapping[str, str],
) -> Measurement:
    """Run a script for some seconds, or once for each client if ``seconds`` is None."""
    address = urlsplit(database.database)
    # The time includes opening the connections, and the rate that pgbench prints doesn't.
    length = "--transactions=1" if seconds is None else f"--time={seconds + clients // 32}"
    command = [
        str(PGBENCH),
        *("--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=2"),
        *(length, f"--file={script}"),
        *(f"--define={name}={value}" for name, value in variables.items()),
        *(f"--host={address.hostname}", f"--port={address.port}", f"--username={address.username}"),
        database.name,
    ]
    env = {"PATH": os.defpath, "PGPASSWORD": address.password or ""}
    output, cpu = timed(command, env)
    done = int(_figure(output, r"transactions actually processed: (\d+)"))
    if _figure(output, r"failed transactions: (\d+)") or not done:
        raise BenchmarkError(f"A run with errors is a failed run:\n{output}")
    tps = _figure(output, r"tps = ([\d.]+) \(without initial")
    latency = _figure(output, r"latency average = ([\d.]+) ms")
    return Measurement(done, done / tps, cpu, latency)


def _figure(output: str, pattern: str) -> float:
    found = re.search(pattern, output)
    if not found:
        raise BenchmarkError(f"pgbench says nothing of {pattern!r}:\n{output}")
    return float(found[1])
