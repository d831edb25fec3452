"""The ceiling: the same work as prepared SQL, run by pgbench on the ledger's tables."""

import json
import os
import re
import sysconfig
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from benchmarks.ledger import Ledger
from benchmarks.load import CONNECTIONS, BenchmarkError, Measurement, timed
from tools.with_postgres import PROGRAMS

HERE = Path(__file__).parent
PGBENCH = Path(sysconfig.get_path("platlib")) / PROGRAMS / "pgbench"


def prepare(ledger: Ledger, *, guards: bool) -> None:
    """Open the accounts in a migrated, empty database."""
    if not guards:
        ledger.inside("drop_guards")
    with psycopg.connect(ledger.database) as connection:
        connection.execute((HERE / "ceiling_accounts.sql").read_bytes())
    ledger.tidy()


def sample_of(ledger: Ledger) -> dict[str, str]:
    """Return what the ledger stores with the key of a transfer, for pgbench to store too."""
    query = (
        "SELECT fingerprint, response_headers, response_body FROM idempotency_idempotencykey"
        " WHERE path = '/transfers' AND response_status = 201 LIMIT 1"
    )
    fingerprint, headers, body = ledger.rows(query)[0]
    return {"fingerprint": fingerprint, "headers": json.dumps(headers), "body": body}


def measure(ledger: Ledger, sample: dict[str, str], seconds: int) -> Measurement:
    """Run pgbench with as many clients as the server has connections."""
    address = urlsplit(ledger.database)
    command = [
        str(PGBENCH),
        *("--no-vacuum", "--protocol=prepared", f"--client={CONNECTIONS}", "--jobs=2"),
        *(f"--time={seconds}", f"--file={HERE / 'ceiling.sql'}"),
        *(f"--define={name}={value}" for name, value in sample.items()),
        *(f"--host={address.hostname}", f"--port={address.port}", f"--username={address.username}"),
        ledger.name,
    ]
    env = {"PATH": os.defpath, "PGPASSWORD": address.password or ""}
    output, cpu = timed(command, env)
    done = int(_figure(output, r"transactions actually processed: (\d+)"))
    if _figure(output, r"failed transactions: (\d+)") or not done:
        raise BenchmarkError(f"A run with errors is a failed run:\n{output}")
    tps = _figure(output, r"tps = ([\d.]+) \(without initial")
    latency = _figure(output, r"latency average = ([\d.]+) ms")
    return Measurement(done, done / tps, cpu * tps / done, latency)


def _figure(output: str, pattern: str) -> float:
    found = re.search(pattern, output)
    if not found:
        raise BenchmarkError(f"pgbench says nothing of {pattern!r}:\n{output}")
    return float(found[1])
