"""A benchmark run: new databases, real servers, and interleaved rounds of all workloads."""

import random
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from benchmarks import ceiling, workloads
from benchmarks.figures import CEILING, FIGURES, GUARDED_CEILING, Outcome, memory
from benchmarks.ledger import Ledger, random_keys
from benchmarks.load import CONNECTIONS, BenchmarkError, Measurement, put, send_once
from benchmarks.workloads import WORKLOADS, Scale, Workload

# The settings of a production database on a dedicated machine. Acknowledged commits are durable.
POSTGRES = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
}

# The database of each ceiling, and whether it keeps the guards.
CEILINGS = {CEILING: ("ceiling", False), GUARDED_CEILING: ("ceiling_guarded", True)}


class Run:
    """The settings of a run, and its ledgers."""

    def __init__(self, cluster: str, folder: Path, scale: Scale, only: Collection[str]) -> None:
        self.figures = [figure for figure in FIGURES if not only or figure.id in only]
        self.scale, self.folder = scale, folder
        self.wants_memory = not only or "S7" in only
        self._keys = random_keys()
        self._cluster = cluster
        self.ledgers: dict[str, Ledger] = {}
        self.measurements: dict[str, list[Measurement]] = {name: [] for name in self._names()}
        self.memory: Outcome | None = None

    def go(self) -> None:
        """Prepare, measure, and check the books."""
        self._prepare()
        with ExitStack() as servers:
            for name in {WORKLOADS[each].ledger for each in self.measurements if each in WORKLOADS}:
                servers.enter_context(self.ledgers[name].served())
            self._measure()
            if self.wants_memory:
                self.memory = memory(self.ledgers["ledger"].worker_megabytes())
        for ledger in tqdm(
            list(self.ledgers.values()), desc="Verifying", unit=" ledgers", disable=None
        ):
            ledger.manage("verify_ledger")

    def outcomes(self) -> list[Outcome]:
        rates = {
            name: [each.rate * self._worth(name) for each in measured]
            for name, measured in self.measurements.items()
        }
        found = [figure.outcome(rates) for figure in self.figures]
        return [*found, self.memory] if self.memory else found

    def _names(self) -> list[str]:
        wanted = {name for figure in self.figures for name in (figure.of, figure.over)}
        if wanted & {CEILING, GUARDED_CEILING}:
            # pgbench stores a response of the ledger.
            wanted.add("transfers")
        return [name for name in (*CEILINGS, *WORKLOADS) if name in wanted]

    @staticmethod
    def _worth(name: str) -> int:
        return WORKLOADS[name].worth if name in WORKLOADS else 1

    # ── Before ───────────────────────────────────────────────────────────────────────────────────

    def _prepare(self) -> None:
        seeds = self.scale.seeds()
        wanted = {WORKLOADS[name].ledger for name in self.measurements if name in WORKLOADS}
        databases = [CEILINGS[name][0] for name in self.measurements if name in CEILINGS]
        blank = self._ledger("blank")
        blank.manage("migrate", "--verbosity=0")
        for name in [*sorted(wanted), *databases]:
            self.ledgers[name] = self._ledger(name, template="blank")
        for name in sorted(wanted):
            entries, busiest = seeds[name]
            accounts = ("--accounts", "1001", "--entries", str(entries))
            self.ledgers[name].manage(
                "seed_load", *accounts, "--busiest", str(busiest), quiet=False
            )
            self.ledgers[name].tidy()
        for name in self.measurements:
            if name in CEILINGS:
                database, guarded = CEILINGS[name]
                ceiling.prepare(self.ledgers[database], guards=guarded)

    def _ledger(self, name: str, template: str | None = None) -> Ledger:
        # The server already has a database named `ledger`.
        ledger = Ledger(self._cluster, f"bench_{name}", self.folder, self._keys)
        ledger.create(template and f"bench_{template}")
        return ledger

    # ── Measuring ────────────────────────────────────────────────────────────────────────────────

    def _measure(self) -> None:
        measures = dict(self._measures())
        names = list(measures)
        steps = len(names) * self.scale.rounds
        with tqdm(total=steps, desc="Measuring", unit=" measurements", disable=None) as bar:
            for number in range(self.scale.rounds):
                # In another order in each round, so that no workload always follows the same one.
                for name in random.Random(number).sample(names, len(names)):
                    bar.set_postfix_str(name)
                    measured = measures[name]()
                    if not measured.done:
                        raise BenchmarkError(f"{name}: no response in {measured.seconds:.0f} s.")
                    self.measurements[name].append(measured)
                    bar.update()

    def _measures(self) -> Iterator[tuple[str, Callable[[], Measurement]]]:
        """Yield each name with a function that measures it once, after warming up."""
        for name in self.measurements:
            if name in WORKLOADS:
                yield name, self._warm(name, WORKLOADS[name])
        if any(name in CEILINGS for name in self.measurements):
            sample = ceiling.sample_of(self.ledgers["ledger"])
        for name in self.measurements:
            if name in CEILINGS:
                yield name, self._warm_ceiling(self.ledgers[CEILINGS[name][0]], sample)

    def _warm(self, name: str, workload: Workload) -> Callable[[], Measurement]:
        ledger = self.ledgers[workload.ledger]
        requests = self.folder / f"{name}.requests"
        workloads.write(requests, workload.lines(workloads.Books(ledger, self.scale)))

        full = self.scale.batch_seconds if workload.worth > 1 else self.scale.seconds

        def measure(seconds: int = full) -> Measurement:
            before = ledger.entries()
            measured = put(
                ledger.url,
                workload.method,
                ledger.tokens(),
                requests,
                seconds,
                workload.connections,
            )
            added = ledger.entries() - before
            # Requests in progress at the end may have been posted without being counted.
            most = measured.done + CONNECTIONS
            if not measured.done * workload.entries <= added <= most * workload.entries:
                raise BenchmarkError(f"{name}: {measured.done} responses added {added} entries.")
            return measured

        if workload is WORKLOADS["replays"]:
            send_once(ledger.url, ledger.tokens(), requests)
        measure(1)
        return measure

    def _warm_ceiling(self, ledger: Ledger, sample: dict[str, str]) -> Callable[[], Measurement]:
        def measure(seconds: int = self.scale.seconds) -> Measurement:
            before = ledger.entries()
            measured = ceiling.measure(ledger, sample, seconds)
            if ledger.entries() != before + 2 * measured.done:
                raise BenchmarkError("The ceiling's entries are not those of its transfers.")
            return measured

        measure(1)
        return measure
