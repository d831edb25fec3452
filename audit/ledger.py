"""
The audit: recompute every invariant of the ledger from its rows, and report violations.

The checks read one snapshot, one range of keys at a time. ``scan`` defines scans and checks;
``account_checks``, ``row_checks`` and ``transfer_checks`` contain the checks; ``protection``
compares the schema with the models and the guards; ``report`` is the result.

The database only returns counts, sums and a few examples, so an audit uses the same amount of
memory for ten entries as for ten million.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import accumulate
from string import Formatter
from uuid import UUID

from django.db import Error, connection

from audit.account_checks import ACCOUNTS, CHANGES, ENTRIES
from audit.approval_checks import approval_results
from audit.days import daily_totals
from audit.event_checks import event_results
from audit.protection import schema_results
from audit.report import (
    EXAMPLES,
    Finding,
    Report,
    Result,
    currency_results,
    trial_balance,
)
from audit.row_checks import (
    add_folded_names,
    external_ids,
    folded_names,
    malformed_ids,
    missing_users,
)
from audit.rows import fetch, is_uuid, uuid_text
from audit.scan import Check, Scan
from audit.transfer_checks import HOLDS, LEGS, TRANSFERS
from transfers import clock

# Rows in a range: enough that round trips don't matter, few enough to sort in memory.
CHUNK = 50_000
# The limit of accounts in a range, however few entries they have.
ACCOUNTS_AT_ONCE = 10_000
LAST_KEY = UUID(int=2**128 - 1)

BEGIN = {
    # All queries read one snapshot and can't write. An audit may take longer than the timeouts of
    # requests. Compiling its queries with JIT would take longer than running them.
    "postgresql": (
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        "SET LOCAL lock_timeout = 0",
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL idle_in_transaction_session_timeout = 0",
        "SET LOCAL jit = off",
    ),
    # Deferred, unlike other transactions of the ledger, because reading needs no write lock.
    "sqlite": ("BEGIN DEFERRED",),
}

# Called with the number of rows checked so far and the number of all rows.
Progress = Callable[[int, int], None]


def check_ledger(progress: Progress | None = None) -> Report:
    """
    Check the schema, recompute every invariant in one snapshot, and return the report.

    In a transaction of the caller, it reads what that transaction sees.

    :param progress: called after each range of keys.
    """
    schema = schema_results(connection)
    with _snapshot():
        audit = _Audit(schema, progress or (lambda done, total: None))
        for first, last in _account_ranges():
            audit.run(ACCOUNTS, first, last)
            add_folded_names(audit.names, first=first, last=last)
            audit.run(ENTRIES, first, last)
            audit.run(CHANGES, first, last)
            audit.run(HOLDS, first, last)
        for first, last in _transfer_ranges():
            audit.run(LEGS, first, last)
            audit.run(TRANSFERS, first, last)
        return audit.report()


class _Audit:
    """An audit in progress: the counts, sums and findings so far."""

    def __init__(self, schema: list[Result], progress: Progress) -> None:
        self.names = folded_names()
        self._schema = schema
        self._checked_at = clock.now()
        self._progress = progress
        self._done = 0
        # Each entry is checked twice: in its account and in its transfer. So is each transfer that
        # changes the held amount of its source.
        self._total = fetch(
            "SELECT (SELECT count(*) FROM accounts_account)"
            " + (SELECT count(*) FROM accounts_accountchange)"
            " + (SELECT count(*) + count(hold_sequence) FROM transfers_transfer)"
            " + 2 * (SELECT count(*) FROM transfers_ledgerentry) AS total"
        )[0]["total"]
        self._sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._results = {
            check.name: Result(check.name, check.description)
            for scan in (ACCOUNTS, ENTRIES, CHANGES, HOLDS, LEGS, TRANSFERS)
            for check in scan.checks
        }

    def run(self, scan: Scan, first: UUID, last: UUID) -> None:
        """Check a range of keys: count all violations in one query, then query for examples."""
        bounds = {"first": first, "last": last}
        broken: dict[str, int] = defaultdict(int)
        for row in fetch(_summary(scan), **bounds):
            self._done += row["total"]
            for check in scan.checks:
                broken[check.name] += row[check.name]
            if row["currency"] is not None:
                sums = self._sums[row["currency"]]
                for name in scan.sums:
                    # In halves, because sum() of SQLite fails beyond 64 bits.
                    sums[name] += (int(row[f"{name}_high"] or 0) << 32) + int(row[f"{name}_low"])
        for check in scan.checks:
            result = self._results[check.name]
            result.findings += broken[check.name]
            if broken[check.name] and len(result.examples) < EXAMPLES:
                limit = EXAMPLES - len(result.examples)
                result.examples += _examples(scan, check, bounds, limit)
        self._progress(self._done, self._total)

    def report(self) -> Report:
        every = self._sums.values()
        currencies = [
            trial_balance(currency, sums)
            for currency, sums in sorted(self._sums.items())
            if sums["accounts"] or sums["externals"]
        ]
        return Report(
            self._checked_at,
            accounts=sum(sums["accounts"] for sums in every),
            transfers=sum(sums["transfers"] for sums in every),
            entries=sum(sums["entries"] for sums in every),
            currencies=currencies,
            checks=[
                *self._results.values(),
                self.names,
                malformed_ids(),
                missing_users(),
                external_ids(),
                *event_results(),
                *approval_results(),
                *currency_results(currencies),
                *self._schema,
            ],
            days=daily_totals(currencies, self._checked_at),
        )


def _summary(scan: Scan) -> str:
    """Return the query for a scan's number of rows, its sums, and the violations of each check."""
    sums = {name: f"CAST({sql} AS bigint)" for name, sql in scan.sums.items()}
    columns = [
        *(
            f"sum({sql} >> 32) AS {name}_high, sum({sql} & 4294967295) AS {name}_low"
            for name, sql in sums.items()
        ),
        *(f"count(*) FILTER (WHERE {_is_broken(check)}) AS {check.name}" for check in scan.checks),
    ]
    return (
        f"SELECT CAST(currency AS text) AS currency, count(*) AS total, {', '.join(columns)} "
        f"FROM ({scan.rows}) scanned GROUP BY 1"
    )


def _is_broken(check: Check) -> str:
    return f"({check.rule_on(connection.vendor)}) IS NOT TRUE"


def _examples(scan: Scan, check: Check, bounds: dict[str, UUID], limit: int) -> list[Finding]:
    names = [name for _, name, _, _ in Formatter().parse(check.problem) if name]
    # As text, because a column of SQLite may hold a value that Django's converter fails on.
    columns = ", ".join(["subject AS of", *(f"CAST({name} AS text) AS {name}" for name in names)])
    rows = fetch(
        f"SELECT {columns} FROM ({scan.rows}) scanned WHERE {_is_broken(check)} "
        f"ORDER BY subject LIMIT {limit}",
        **bounds,
    )
    return [Finding(uuid_text(row["of"]), check.problem.format(**row)) for row in rows]


def _account_ranges() -> Iterator[tuple[UUID, UUID]]:
    """
    Yield ranges of accounts with about ``CHUNK`` entries and holds each.

    They are counted by the versions of the accounts.
    """
    first = UUID(int=0)
    while True:
        rows = fetch(
            "SELECT id, CAST(version AS bigint) + CAST(hold_version AS bigint) AS weight"
            " FROM accounts_account "
            f"WHERE id >= %(first)s AND {is_uuid('id')} ORDER BY id LIMIT {ACCOUNTS_AT_ONCE}",
            first=first,
        )
        weights = accumulate(row["weight"] for row in rows)
        cut = next((at for at, weight in enumerate(weights) if weight >= CHUNK), len(rows) - 1)
        if cut == len(rows) - 1 and len(rows) < ACCOUNTS_AT_ONCE:
            yield first, LAST_KEY
            return
        last = UUID(str(rows[cut]["id"]))
        yield first, last
        first = UUID(int=last.int + 1)


def _transfer_ranges() -> Iterator[tuple[UUID, UUID]]:
    """Yield ranges of ``CHUNK`` transfers each."""
    first = UUID(int=0)
    while True:
        rows = fetch(
            f"SELECT id FROM transfers_transfer WHERE id >= %(first)s AND {is_uuid('id')} "
            f"ORDER BY id LIMIT 1 OFFSET {CHUNK - 1}",
            first=first,
        )
        if not rows:
            yield first, LAST_KEY
            return
        last = UUID(str(rows[0]["id"]))
        yield first, last
        first = UUID(int=last.int + 1)


@contextmanager
def _snapshot() -> Iterator[None]:
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        try:
            # Not transaction.atomic(), which would take SQLite's write lock.
            for statement in BEGIN[connection.vendor]:
                cursor.execute(statement)
            yield
        except BaseException:
            # If the connection is lost, the first error says why.
            with suppress(Error):
                cursor.execute("ROLLBACK")
            raise
        cursor.execute("ROLLBACK")
