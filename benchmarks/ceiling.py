"""The ceiling: the same work as prepared SQL, run by pgbench on the ledger's tables."""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks import pgbench
from benchmarks.database import Database
from benchmarks.ledger import Ledger
from benchmarks.load import BenchmarkError, Measurement

HERE = Path(__file__).parent
# What the audit finds where transfers were posted without triggers.
WITHOUT_TRIGGERS = {"event_of_every_account_change", "event_of_every_transfer"}


@dataclass(frozen=True, slots=True)
class Ceiling:
    """``hot`` sends every transfer into one account. ``guarded`` keeps the database's guards."""

    clients: int
    hot: bool = False
    guarded: bool = False

    @property
    def database(self) -> str:
        return "ceiling_guarded" if self.guarded else "ceiling"


CEILINGS = {
    **{f"ceiling ({clients})": Ceiling(clients) for clients in (1, 8, 32, 64)},
    "ceiling, guarded": Ceiling(8, guarded=True),
    "ceiling, into one": Ceiling(32, hot=True),
}


def prepare(ledger: Ledger, *, guards: bool) -> None:
    """Open the accounts in a migrated, empty database."""
    if not guards:
        ledger.inside("drop_guards")
    ledger.run((HERE / "ceiling_accounts.sql").read_bytes())
    ledger.tidy()


def verify(ledger: Ledger) -> None:
    """
    Check the books that pgbench wrote without guards.

    The events of its transfers are missing, because triggers write them, which are guards too.

    :raises BenchmarkError: if anything else is wrong
    """
    # Restores the guards, which the audit expects.
    ledger.manage("migrate", "--verbosity=0")
    failed = set(ledger.inside("failed_checks")) - WITHOUT_TRIGGERS
    if failed:
        raise BenchmarkError(f"The books of pgbench fail these checks: {', '.join(sorted(failed))}")


def sample_of(ledger: Ledger) -> dict[str, str]:
    """Return what the ledger stores with the key of a transfer, for pgbench to store too."""
    query = (
        "SELECT fingerprint, response_headers, response_body FROM idempotency_idempotencykey"
        " WHERE path = '/transfers' AND response_status = 201 LIMIT 1"
    )
    fingerprint, headers, body = ledger.rows(query)[0]
    return {"fingerprint": fingerprint, "headers": json.dumps(headers), "body": body}


def measure(
    database: Database, ceiling: Ceiling, sample: dict[str, str], seconds: int | None
) -> Measurement:
    """Run pgbench on the tables of a ledger, once for each client if ``seconds`` is None."""
    return pgbench.measure(
        database,
        HERE / "ceiling.sql",
        clients=ceiling.clients,
        seconds=seconds,
        variables={**sample, "hot": str(int(ceiling.hot))},
    )
